// Starts roomcast-conformance on a free port and speaks to it in raw packets.
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";
import { within } from "../../integration/lib/wait.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const program = path.join(process.env.ROOMCAST_BIN || path.join(root, "build/bin"), "roomcast-conformance");

/** {url, ws, port, stop()}; stop fails when the program did not end cleanly (a sanitizer's report, say). */
export async function startConformance(profile, ...options) {
    const child = spawn(program, ["--listen", "127.0.0.1:0", "--profile", profile, ...options], {
        stdio: ["ignore", "pipe", "inherit"],
    });
    const exit = once(child, "exit");
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const first = await within("conformance server is ready", Promise.race([lines.next(), exit]));
    const port = Number(/listening on (\d+)/.exec(first.value ?? "")?.[1]);
    if (!port) {
        throw new Error(`${program} did not start`);
    }
    return {
        port,
        url: `http://127.0.0.1:${port}`,
        ws: `ws://127.0.0.1:${port}`,
        async stop() {
            child.kill("SIGTERM");
            const [code, signal] = await within("conformance server ends", exit);
            if (code !== 0) {
                throw new Error(`${program} ended with code ${code}, signal ${signal}`);
            }
        },
    };
}

/** A WebSocket whose messages are read one by one: next() gives text as string and binary as Buffer. */
export class RawClient {
    #queue = [];
    #waiting = [];

    constructor(url, options) {
        this.socket = new WebSocket(url, options);
        this.socket.on("message", (data, binary) => this.#put(binary ? data : data.toString()));
        this.closed = once(this.socket, "close").then(([code]) => code);
        this.opened = once(this.socket, "open");
        this.opened.catch(() => {});
        this.closed.catch(() => {});
        this.socket.on("error", () => {});
    }

    #put(message) {
        const waiting = this.#waiting.shift();
        waiting ? waiting(message) : this.#queue.push(message);
    }

    send(data) {
        this.socket.send(data);
    }

    next() {
        const got = this.#queue.length
            ? Promise.resolve(this.#queue.shift())
            : new Promise((resolve) => this.#waiting.push(resolve));
        return within("a message", got);
    }

    /** The close code: 1005 is an empty close frame, 1006 none. */
    end() {
        return within("the server closes", this.closed);
    }

    close() {
        this.socket.terminate();
    }
}

/** An opened Engine.IO session on a WebSocket, with its handshake data in `open`. */
export async function engine(server, path = "/socket.io/") {
    const client = new RawClient(`${server.ws}${path}?EIO=4&transport=websocket`);
    const packet = await client.next();
    client.open = JSON.parse(packet.slice(1));
    return client;
}

/** A connected Socket.IO socket in namespace "/", its "auth" event already read. */
export async function connected(server) {
    const client = await engine(server);
    client.send("40");
    await client.next();
    await client.next();
    return client;
}

/** Sends raw bytes, answers what came back when the server closed or what() is content. */
export async function raw(server, bytes, content = () => false) {
    const socket = net.connect(server.port, "127.0.0.1");
    let text = "";
    const done = new Promise((resolve, reject) => {
        socket.on("data", (data) => {
            text += data.toString("latin1");
            if (content(text)) {
                resolve();
            }
        });
        socket.on("end", resolve);
        socket.on("error", reject);
    });
    socket.write(bytes);
    await within("an answer", done);
    socket.destroy();
    return text;
}
