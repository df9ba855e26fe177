// WebSocket frames as bytes, right or wrong: a client that sends any bits, and reads what the server sends frame by frame.
import { Socket } from "./socket.mjs";

export const CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;
export const FIN = 0x80;

/** The opening handshake; changes replace fields, null leaves one out, an array repeats it. */
export function handshake(changes = {}, line = "GET /any/path HTTP/1.1") {
    const fields = {
        Host: "x", Connection: "keep-alive, Upgrade", Upgrade: "WebSocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", ...changes,
    };
    const lines = Object.entries(fields).filter(([, value]) => value !== null)
        .flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
    return Buffer.from(`${line}\r\n${lines.join("")}\r\n`);
}

function lengthBytes(length, size) {
    const bytes = Buffer.alloc(size === 7 ? 1 : size === 16 ? 3 : 9);
    bytes[0] = size === 7 ? length : size === 16 ? 126 : 127;
    if (size === 16) {
        bytes.writeUInt16BE(length, 1);
    } else if (size === 64) {
        bytes.writeBigUInt64BE(BigInt(length), 1);
    }
    return bytes;
}

/**
 * A frame. first: its first byte, FIN | TEXT say; payload: a Buffer, or text. mask: four bytes, null for none. length: what the
 * head says, when it is not the payload's; size: bits of the length, 7, 16 or 64, when they are not the fewest.
 */
export function frame(first, payload = "", { mask = [0x37, 0xfa, 0x21, 0x3d], length, size } = {}) {
    const data = Buffer.from(payload); // a copy
    const said = length ?? data.length;
    const bytes = lengthBytes(said, size ?? (said < 126 ? 7 : said < 65536 ? 16 : 64));
    if (!mask) {
        return Buffer.concat([Buffer.from([first]), bytes, data]);
    }
    bytes[0] |= 0x80;
    for (let i = 0; i < data.length; i++) {
        data[i] ^= mask[i & 3];
    }
    return Buffer.concat([Buffer.from([first]), bytes, Buffer.from(mask), data]);
}

export function closeFrame(code, reason = "") {
    const head = Buffer.alloc(2);
    head.writeUInt16BE(code);
    return frame(FIN | CLOSE, Buffer.concat([head, Buffer.from(reason)]));
}

/** The frames of one message cut into pieces of `size` bytes; one of them when it is empty. end 0: more will follow. */
export function fragments(opcode, payload, size, end = FIN) {
    const data = Buffer.from(payload);
    const frames = [];
    for (let at = 0; at === 0 || at < data.length; at += size) {
        const last = at + size >= data.length;
        frames.push(frame((last ? end : 0) | (at === 0 ? opcode : CONTINUATION), data.subarray(at, at + size)));
    }
    return Buffer.concat(frames);
}

/** A connection after the handshake. */
export class FrameClient extends Socket {
    #bytes = Buffer.alloc(0);
    #parts = []; // what came since and is not in #bytes yet
    #have = 0; // bytes of both

    static async open(server) {
        const client = new FrameClient(server);
        client.write(handshake());
        await client.until("the answer to the handshake", () => client.#buffer().includes("\r\n\r\n"));
        const answer = client.#take(client.#bytes.indexOf("\r\n\r\n") + 4).toString("latin1");
        if (!answer.startsWith("HTTP/1.1 101 ")) {
            throw new Error(`refused: ${answer}`);
        }
        return client;
    }

    constructor(server) {
        super(server, (data) => {
            this.#parts.push(data);
            this.#have += data.length;
        });
    }

    #buffer() {
        if (this.#parts.length) {
            this.#bytes = Buffer.concat([this.#bytes, ...this.#parts]);
            this.#parts = [];
        }
        return this.#bytes;
    }

    #take(size) {
        const bytes = this.#buffer().subarray(0, size);
        this.#bytes = this.#bytes.subarray(size);
        this.#have -= size;
        return bytes;
    }

    send(first, payload, options) {
        this.write(frame(first, payload, options));
    }

    /** The next frame: {first, payload}. The server must not mask, and must use the fewest bits for a length. */
    async next() {
        await this.until("a frame", () => this.#have >= 2);
        const code = this.#buffer()[1] & 0x7f;
        const head = code === 126 ? 4 : code === 127 ? 10 : 2;
        await this.until("the head of a frame", () => this.#have >= head);
        const start = this.#buffer();
        const length = code === 126 ? start.readUInt16BE(2) : code === 127 ? Number(start.readBigUInt64BE(2)) : code;
        await this.until("the payload of a frame", () => this.#have >= head + length);
        const bytes = this.#take(head + length);
        if ((bytes[1] & 0x80) || (head === 4 && length < 126) || (head === 10 && length < 65536)) {
            throw new Error(`a bad head from the server: ${bytes.subarray(0, head).toString("hex")}`);
        }
        return { first: bytes[0], payload: bytes.subarray(head) };
    }

    /** Resolves when the server has closed TCP and nothing is left unread. */
    async end() {
        await this.closing();
        if (this.#have) {
            throw new Error(`more than expected: ${this.#buffer().subarray(0, 64).toString("hex")}`);
        }
    }

    /** The server's close code, 1005 when its frame has none; it must be the next frame, and TCP must end behind it. */
    async closed() {
        const { first, payload } = await this.next();
        if (first !== (FIN | CLOSE) || payload.length === 1) {
            throw new Error(`not a close frame: ${first.toString(16)} ${payload.subarray(0, 64).toString("hex")}`);
        }
        await this.end();
        return payload.length ? payload.readUInt16BE(0) : 1005;
    }
}
