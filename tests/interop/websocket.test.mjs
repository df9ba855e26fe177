// RFC 6455 on the wire: handshake and frames, against the ws-echo profile.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { raw, RawClient, startConformance } from "./lib/conformance.mjs";

let server;
before(async () => {
    server = await startConformance("ws-echo");
});
after(() => server.stop());

const key = "dGhlIHNhbXBsZSBub25jZQ==";
const handshake = (changes = {}) => {
    const fields = {
        Host: "x", Connection: "keep-alive, Upgrade", Upgrade: "WebSocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key, ...changes,
    };
    const lines = Object.entries(fields).filter(([, value]) => value !== null).map(([name, value]) => `${name}: ${value}\r\n`);
    return `GET /any/path HTTP/1.1\r\n${lines.join("")}\r\n`;
};

test("the handshake of RFC 6455 1.3", async () => {
    const answer = await raw(server, handshake(), (text) => text.endsWith("\r\n\r\n"));
    assert.match(answer, /^HTTP\/1\.1 101 /);
    assert.match(answer, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
    assert.doesNotMatch(answer, /Sec-WebSocket-Extensions|Sec-WebSocket-Protocol/);
});

for (const [what, changes, status] of [
    ["no key", { "Sec-WebSocket-Key": null }, 400],
    ["a key that is not 16 bytes", { "Sec-WebSocket-Key": "c2hvcnQ=" }, 400],
    ["no version", { "Sec-WebSocket-Version": null }, 400],
    ["version 8", { "Sec-WebSocket-Version": "8" }, 426],
    ["another protocol", { Upgrade: "h2c" }, 400],
    ["no Upgrade", { Upgrade: null }, 400],
    ["no Connection", { Connection: null }, 400],
]) {
    test(`a handshake with ${what} gets ${status}`, async () => {
        const answer = await raw(server, handshake(changes));
        assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
        assert.equal(/Sec-WebSocket-Version: 13/.test(answer), status === 426);
    });
}

test("messages of every length class come back with their type", async () => {
    const client = new RawClient(server.ws, { maxPayload: 0, perMessageDeflate: false });
    await client.opened;
    for (const length of [0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20, 16 << 20]) {
        client.send("x".repeat(length));
        assert.equal((await client.next()).length, length);
        const bytes = Buffer.alloc(length, 0xff);
        client.send(bytes);
        assert.ok((await client.next()).equals(bytes));
    }
    client.close();
});

test("a message in 65536 fragments, with pings between", async () => {
    const client = new RawClient(server.ws);
    await client.opened;
    let pongs = 0;
    client.socket.on("pong", () => pongs++);
    for (let i = 0; i < 65536; i++) {
        client.socket.send("é", { fin: i === 65535 });
        if (i % 8192 === 0) {
            client.socket.ping("p");
        }
    }
    assert.equal(await client.next(), "é".repeat(65536));
    assert.equal(pongs, 8);
    client.close();
});

test("a ping is answered by a pong with its payload, a pong by nothing", async () => {
    const client = new RawClient(server.ws);
    await client.opened;
    const pong = new Promise((resolve) => client.socket.on("pong", resolve));
    client.socket.pong("unasked");
    client.socket.ping(Buffer.alloc(125, 5));
    assert.ok((await pong).equals(Buffer.alloc(125, 5)));
    client.close();
});

test("the close handshake echoes the code", async () => {
    const client = new RawClient(server.ws);
    await client.opened;
    client.socket.close(3333, "bye");
    assert.equal(await client.end(), 3333);
});

/** The close code that answers raw frames after the handshake. */
async function codeFor(bytes) {
    const answer = await raw(server, Buffer.concat([Buffer.from(handshake()), Buffer.from(bytes)]));
    const frame = Buffer.from(answer.slice(answer.indexOf("\r\n\r\n") + 4), "latin1");
    assert.equal(frame[0], 0x88);
    return frame.readUInt16BE(2);
}

for (const [what, bytes, code] of [
    ["an unmasked frame", [0x81, 0x01, 0x78], 1002],
    ["a reserved bit", [0xc1, 0x80, 0, 0, 0, 0], 1002],
    ["a reserved opcode", [0x83, 0x80, 0, 0, 0, 0], 1002],
    ["a fragmented ping", [0x09, 0x80, 0, 0, 0, 0], 1002],
    ["a ping of 126 bytes", [0x89, 0xfe, 0, 126, 0, 0, 0, 0], 1002],
    ["a continuation of nothing", [0x80, 0x80, 0, 0, 0, 0], 1002],
    ["a close payload of one byte", [0x88, 0x81, 0, 0, 0, 0, 3], 1002],
    ["a close code that must not be sent", [0x88, 0x82, 0, 0, 0, 0, 3, 0xed], 1002],
    ["text that cannot become UTF-8, before its end", [0x01, 0x82, 0, 0, 0, 0, 0xf4, 0x90], 1007],
    ["a message above the limit, before its bytes", [0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0], 1009],
]) {
    test(`${what} is answered by ${code}`, async () => {
        assert.equal(await codeFor(bytes), code);
    });
}

test("bytes sent right behind the handshake are not lost", async () => {
    const answer = await raw(server, Buffer.concat([Buffer.from(handshake()), Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x78])]),
        (text) => text.endsWith("\x81\x01x"));
    assert.match(answer, /^HTTP\/1\.1 101 /);
});
