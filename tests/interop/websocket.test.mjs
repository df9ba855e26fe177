// RFC 6455 on the wire, case by case, against the ws-echo profile: handshake, framing, control frames, fragments, UTF-8, closing,
// limits. Every refusal is an exact close code, and behind it the server must close TCP.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { raw, startConformance } from "./lib/conformance.mjs";
import {
    BINARY, CLOSE, closeFrame, CONTINUATION, FIN, frame, FrameClient, fragments, handshake, PING, PONG, TEXT,
} from "./lib/frames.mjs";

const MAX = 16 << 20; // bytes of a message that the profile takes
const PROTOCOL = 1002, NOT_UTF8 = 1007, TOO_BIG = 1009;

let server;
before(async () => { server = await startConformance("ws-echo"); });
after(() => server.stop());

const open = () => FrameClient.open(server);
const hex = (text) => Buffer.from(text.replaceAll(" ", ""), "hex");

/** The next frame must be this one. */
async function expectFrame(client, first, payload) {
    const got = await client.next();
    assert.equal(got.first, first);
    assert.ok(got.payload.equals(Buffer.from(payload)), `${got.payload.length} bytes of ${payload.length}, or other ones`);
}

/** The connection must still be good: our close frame is echoed, and nothing else comes before it. */
async function farewell(client) {
    client.write(closeFrame(1000));
    assert.equal(await client.closed(), 1000);
}

/** A test: these bytes, whole and one by one, are answered by these echoes and then by this close code. */
function refused(what, code, bytes, echoes = []) {
    test(`${what}: ${code}`, async () => {
        for (const send of ["write", "dribble"]) {
            const client = await open();
            await client[send](bytes);
            for (const [first, payload] of echoes) {
                await expectFrame(client, first, payload);
            }
            assert.equal(await client.closed(), code, send);
        }
    });
}

/** A test: these bytes, whole and one by one, are answered by these frames and no other. */
function answered(what, bytes, answers) {
    test(what, async () => {
        for (const send of ["write", "dribble"]) {
            const client = await open();
            await client[send](bytes);
            for (const [first, payload] of answers) {
                await expectFrame(client, first, payload);
            }
            await farewell(client);
        }
    });
}

const text = (payload) => frame(FIN | TEXT, payload);

describe("handshake", () => {
    test("of RFC 6455 1.3", async () => {
        const offers = { "Sec-WebSocket-Extensions": "permessage-deflate", "Sec-WebSocket-Protocol": "chat, superchat" };
        const answer = await raw(server, handshake(offers), (all) => all.endsWith("\r\n\r\n"));
        assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
        assert.match(answer, /\r\nUpgrade: websocket\r\n/i);
        assert.match(answer, /\r\nConnection: Upgrade\r\n/i);
        assert.match(answer, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
        assert.doesNotMatch(answer, /Sec-WebSocket-Extensions|Sec-WebSocket-Protocol/);
    });

    for (const [what, changes, status, line] of [
        ["no key", { "Sec-WebSocket-Key": null }, 400],
        ["an empty key", { "Sec-WebSocket-Key": "" }, 400],
        ["a key that is not 16 bytes", { "Sec-WebSocket-Key": "c2hvcnQ=" }, 400],
        ["two keys", { "Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="] }, 400],
        ["no version", { "Sec-WebSocket-Version": null }, 400],
        ["two versions", { "Sec-WebSocket-Version": ["13", "13"] }, 400],
        ["version 8", { "Sec-WebSocket-Version": "8" }, 426],
        ["another protocol", { Upgrade: "h2c" }, 400],
        ["no Upgrade", { Upgrade: null }, 400],
        ["no Connection", { Connection: null }, 400],
        ["no Host", { Host: null }, 400],
        ["a body", { "Content-Length": "6" }, 400],
        ["POST", {}, 400, "POST / HTTP/1.1"],
        ["HTTP/1.0", {}, 400, "GET / HTTP/1.0"],
    ]) {
        test(`with ${what} gets ${status}`, async () => {
            const answer = await raw(server, handshake(changes, line));
            assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
            assert.equal(/\r\nSec-WebSocket-Version: 13\r\n/.test(answer), status === 426);
        });
    }

    test("frames right behind it are not lost", async () => {
        const answer = await raw(server, Buffer.concat([handshake(), text("x")]), (all) => all.endsWith("\x81\x01x"));
        assert.match(answer, /^HTTP\/1\.1 101 /);
    });
});

describe("framing", () => {
    test("messages of every length class come back with their type", async () => {
        const client = await open();
        for (const length of [0, 1, 2, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537]) {
            for (const opcode of [TEXT, BINARY]) {
                const payload = Buffer.alloc(length, opcode === TEXT ? "*" : 0xfe);
                client.send(FIN | opcode, payload);
                await expectFrame(client, FIN | opcode, payload);
            }
        }
        await farewell(client);
    });

    test("in chops of 997 bytes", async () => {
        const client = await open();
        client.write(text("*".repeat(65536)), 997);
        await expectFrame(client, FIN | TEXT, "*".repeat(65536));
        await farewell(client);
    });

    test("in chops of one byte", async () => {
        const client = await open();
        for (const length of [0, 125, 126, 1000]) {
            await client.dribble(frame(FIN | BINARY, Buffer.alloc(length, length)));
            await expectFrame(client, FIN | BINARY, Buffer.alloc(length, length));
        }
        await farewell(client);
    });

    test("any mask, zeros too", async () => {
        const client = await open();
        for (const mask of [[0, 0, 0, 0], [255, 255, 255, 255], [1, 2, 3, 4], [0, 0, 0, 128]]) {
            client.send(FIN | TEXT, "masked, 0123456789", { mask });
            await expectFrame(client, FIN | TEXT, "masked, 0123456789");
        }
        await farewell(client);
    });

    test("a thousand messages in one write", async () => {
        const client = await open();
        client.write(Buffer.concat(Array.from({ length: 1000 }, (_, n) => text(`message ${n}`))));
        for (let n = 0; n < 1000; n++) {
            await expectFrame(client, FIN | TEXT, `message ${n}`);
        }
        await farewell(client);
    });

    for (const [what, options] of [
        ["16 bits for 0", { length: 0, size: 16 }], ["16 bits for 125", { length: 125, size: 16 }],
        ["64 bits for 0", { length: 0, size: 64 }], ["64 bits for 125", { length: 125, size: 64 }],
        ["64 bits for 65535", { length: 65535, size: 64 }], ["the highest bit", { length: 2n ** 63n, size: 64 }],
        ["all bits", { length: 2n ** 64n - 1n, size: 64 }],
    ]) {
        refused(`a length in ${what}`, PROTOCOL, frame(FIN | BINARY, "", options));
    }

    for (const [what, first] of [["text", FIN | TEXT], ["binary", FIN | BINARY], ["ping", FIN | PING], ["pong", FIN | PONG],
        ["close", FIN | CLOSE]]) {
        refused(`an unmasked ${what} frame`, PROTOCOL, frame(first, "", { mask: null }));
    }
    refused("an unmasked frame, by its first two bytes", PROTOCOL, hex("81 05"));
});

describe("reserved", () => {
    for (let bits = 1; bits <= 7; bits++) {
        for (const [what, first] of [["text", FIN | TEXT], ["binary", FIN | BINARY], ["a fragment", TEXT], ["ping", FIN | PING],
            ["pong", FIN | PONG], ["close", FIN | CLOSE]]) {
            refused(`bits ${bits} of ${what}`, PROTOCOL, Buffer.concat([text("good"), frame(first | bits << 4, "bad"), text("late")]),
                [[FIN | TEXT, "good"]]);
        }
        refused(`bits ${bits} of a continuation`, PROTOCOL, Buffer.concat([frame(TEXT, "a"), frame(FIN | bits << 4, "b")]));
    }
    for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
        for (const [what, bytes] of [["", frame(FIN | opcode)], [" with a payload", frame(FIN | opcode, "x")],
            [" without FIN", frame(opcode, "x")], [", by its first two bytes", Buffer.from([FIN | opcode, 0x85])]]) {
            refused(`opcode ${opcode}${what}`, PROTOCOL, Buffer.concat([text("good"), bytes]), [[FIN | TEXT, "good"]]);
        }
    }
});

describe("ping and pong", () => {
    for (const [what, payload] of [["nothing", ""], ["text", "Hello, ñ"], ["bytes", hex("00 ff fe fd fc fb 00 ff")],
        ["125 bytes", Buffer.alloc(125, 0xfe)]]) {
        answered(`a ping with ${what} is answered by a pong with it`, frame(FIN | PING, payload), [[FIN | PONG, payload]]);
    }
    answered("pongs that nobody asked for are ignored", Buffer.concat([frame(FIN | PONG), frame(FIN | PONG, "x"),
        frame(FIN | PONG, Buffer.alloc(125, 1)), frame(FIN | PING, "p")]), [[FIN | PONG, "p"]]);
    answered("ten pings are answered in their order", Buffer.concat([...Array(10).keys()].map((n) => frame(FIN | PING, `p${n}`))),
        [...Array(10).keys()].map((n) => [FIN | PONG, `p${n}`]));
    for (const [what, opcode] of [["ping", PING], ["pong", PONG]]) {
        refused(`a ${what} of 126 bytes`, PROTOCOL, frame(FIN | opcode, Buffer.alloc(126)));
        refused(`a ${what} with 16 bits of length`, PROTOCOL, frame(FIN | opcode, "x", { size: 16 }));
        refused(`a ${what} with 64 bits of length`, PROTOCOL, frame(FIN | opcode, "x", { size: 64 }));
        refused(`a ${what} in fragments`, PROTOCOL, Buffer.concat([frame(opcode, "x"), frame(FIN | CONTINUATION, "y")]));
    }
});

describe("fragments", () => {
    answered("two", Buffer.concat([frame(TEXT, "frag"), frame(FIN | CONTINUATION, "ment")]), [[FIN | TEXT, "fragment"]]);
    answered("of binary", Buffer.concat([frame(BINARY, hex("ff")), frame(CONTINUATION, hex("fe")), frame(FIN, hex("00"))]),
        [[FIN | BINARY, hex("ff fe 00")]]);
    answered("all empty", Buffer.concat([frame(TEXT), frame(CONTINUATION), frame(FIN | CONTINUATION)]), [[FIN | TEXT, ""]]);
    answered("empty but the middle", Buffer.concat([frame(TEXT), frame(CONTINUATION, "middle"), frame(FIN)]), [[FIN | TEXT, "middle"]]);
    answered("with pings and pongs between", Buffer.concat([frame(TEXT, "a"), frame(FIN | PING, "1"), frame(CONTINUATION, "b"),
        frame(FIN | PONG, "x"), frame(FIN | PING, "2"), frame(FIN | CONTINUATION, "c"), text("next")]),
        [[FIN | PONG, "1"], [FIN | PONG, "2"], [FIN | TEXT, "abc"], [FIN | TEXT, "next"]]);
    for (const [what, fin] of [["with FIN", FIN], ["without FIN", 0]]) {
        refused(`a continuation of nothing ${what}`, PROTOCOL, Buffer.concat([frame(fin, "x"), text("late")]));
        refused(`a continuation ${what} behind a whole message`, PROTOCOL, Buffer.concat([text("a"), frame(fin, "x")]),
            [[FIN | TEXT, "a"]]);
        refused(`a continuation ${what} behind one in fragments`, PROTOCOL,
            Buffer.concat([frame(TEXT, "a"), frame(FIN, "b"), frame(fin, "c")]), [[FIN | TEXT, "ab"]]);
        for (const opcode of [TEXT, BINARY]) {
            refused(`opcode ${opcode} ${what} in the middle of a message`, PROTOCOL,
                Buffer.concat([frame(TEXT, "a"), frame(fin | opcode, "b")]));
        }
    }

    test("65,536 of one character, with pings between", async () => {
        const client = await open();
        for (let n = 0; n < 8; n++) {
            const piece = Array.from({ length: 8192 }, (_, i) => frame(n + i ? CONTINUATION : TEXT, "é"));
            client.write(Buffer.concat([...piece, frame(FIN | PING, `${n}`)]));
            await expectFrame(client, FIN | PONG, `${n}`);
        }
        client.send(FIN | CONTINUATION);
        await expectFrame(client, FIN | TEXT, "é".repeat(65536));
        await farewell(client);
    });
});

describe("closing", () => {
    answered("none but the echo of our close frame", Buffer.alloc(0), []);
    refused("an empty close frame is echoed", 1005, frame(FIN | CLOSE));
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
        refused(`${code} is echoed`, code, closeFrame(code, "reason: ñ"));
    }
    for (const code of [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65535]) {
        refused(`${code} must not be sent`, PROTOCOL, closeFrame(code));
        refused(`${code} with a reason`, PROTOCOL, closeFrame(code, "reason"));
    }
    refused("a reason of 123 bytes", 1000, closeFrame(1000, "r".repeat(123)));
    refused("a reason of 124 bytes", PROTOCOL, closeFrame(1000, "r".repeat(124)));
    refused("a payload of one byte", PROTOCOL, frame(FIN | CLOSE, hex("03")));
    refused("a close frame without FIN", PROTOCOL, frame(CLOSE, hex("03 e8")));
    for (const reason of ["ff", "c0 80", "ed a0 80", "f4 90 80 80", "61 e2 82"]) {
        refused(`a reason that is not UTF-8: ${reason}`, NOT_UTF8, closeFrame(1000, hex(reason)));
    }
    for (const [what, late] of [["text", text("late")], ["a ping", frame(FIN | PING, "late")], ["a close", closeFrame(1001)],
        ["garbage", hex("ff ff ff ff ff")], ["an unmasked frame", frame(FIN | TEXT, "late", { mask: null })]]) {
        refused(`${what} behind a close frame is not heeded`, 1000, Buffer.concat([closeFrame(1000), late]));
    }
    refused("in the middle of a message", 1000, Buffer.concat([frame(TEXT, "a"), closeFrame(1000), frame(FIN, "b")]));
    refused("right behind a message, which is answered", 1000, Buffer.concat([text("last"), closeFrame(1000)]), [[FIN | TEXT, "last"]]);

    test("right behind 1 MiB, which is answered", async () => {
        const client = await open();
        client.write(Buffer.concat([text("*".repeat(1 << 20)), closeFrame(1000)]));
        await expectFrame(client, FIN | TEXT, "*".repeat(1 << 20));
        assert.equal(await client.closed(), 1000);
    });

    test("a client that only ends TCP sees TCP end", async () => {
        const client = await open();
        client.socket.end();
        await client.end();
    });
});

describe("UTF-8", () => {
    // First and last of each length, the neighbours of the surrogates, non-characters, and some text.
    for (const sequence of ["00", "7f", "c2 80", "df bf", "e0 a0 80", "ed 9f bf", "ee 80 80", "ef bf bd", "ef bf be", "ef bf bf",
        "f0 90 80 80", "f0 9f bf be", "f1 8f bf bf", "f3 bf bf bf", "f4 8f bf be", "f4 8f bf bf", "ce ba e1 bd b9 cf 83 ce bc ce b5"]) {
        const bytes = Buffer.concat([Buffer.from("hello "), hex(sequence), Buffer.from(" world")]);
        answered(`${sequence} is text`, Buffer.concat([text(hex(sequence)), text(bytes), fragments(TEXT, bytes, 1)]),
            [[FIN | TEXT, hex(sequence)], [FIN | TEXT, bytes], [FIN | TEXT, bytes]]);
    }

    // Each is wrong by its last byte: out of place, never used, overlong, a surrogate, above U+10FFFF, or a missing continuation.
    for (const sequence of ["80", "bf", "c0", "c1", "f5", "f7", "f8", "fb", "fc", "fd", "fe", "ff", "41 80", "c2 80 80", "e0 80", "e0 9f",
        "f0 80", "f0 8f", "ed a0", "ed ad", "ed b0", "ed bf", "f4 90", "f4 bf", "c2 20", "c2 c2", "df ff", "e2 28", "e2 82 28", "e2 82 e2",
        "ef bf f0", "f0 9f 20", "f0 9f 98 20", "f0 9f 98 c0", "f1 80 80 7f", "f4 8f c0"]) {
        const bytes = Buffer.concat([Buffer.from("κόσμε"), hex(sequence)]);
        refused(`${sequence} in a whole message`, NOT_UTF8, Buffer.concat([text("good"), text(Buffer.concat([bytes, Buffer.alloc(9)]))]),
            [[FIN | TEXT, "good"]]);
        refused(`${sequence} in the middle of a frame`, NOT_UTF8, frame(FIN | TEXT, bytes, { length: 100000 }));
        test(`${sequence} in fragments, not before its last byte, nor later: ${NOT_UTF8}`, async () => {
            const client = await open();
            client.write(fragments(TEXT, bytes.subarray(0, -1), 1, 0));
            client.send(FIN | PING, "still well?");
            await expectFrame(client, FIN | PONG, "still well?");
            client.send(CONTINUATION, bytes.subarray(-1));
            assert.equal(await client.closed(), NOT_UTF8);
        });
    }

    for (const sequence of ["c3", "e2", "e2 82", "f0", "f0 9f", "f0 9f 98", "f4 8f bf"]) {
        refused(`${sequence} at the end of a message`, NOT_UTF8, frame(FIN | TEXT, hex(sequence)));
        refused(`${sequence} at the end of the last fragment`, NOT_UTF8, fragments(TEXT, hex(sequence), 1));
        refused(`${sequence} before an empty last fragment`, NOT_UTF8, Buffer.concat([frame(TEXT, hex(sequence)), frame(FIN)]));
        answered(`${sequence} does not reach into the next message`, Buffer.concat([frame(FIN | BINARY, hex(sequence)), text("next")]),
            [[FIN | BINARY, hex(sequence)], [FIN | TEXT, "next"]]);
    }

    test("every character there is, in one message and in fragments that cut them", async () => {
        const points = [...Array(0x110000).keys()].filter((point) => point < 0xd800 || point > 0xdfff);
        const parts = [];
        for (let at = 0; at < points.length; at += 8192) {
            parts.push(String.fromCodePoint(...points.slice(at, at + 8192)));
        }
        const all = Buffer.from(parts.join(""));
        const client = await open();
        client.write(text(all));
        await expectFrame(client, FIN | TEXT, all);
        client.write(fragments(TEXT, all, 65521));
        await expectFrame(client, FIN | TEXT, all);
        await farewell(client);
    });

    test("binary needs none", async () => {
        const client = await open();
        const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
        client.write(fragments(BINARY, bytes, 1));
        await expectFrame(client, FIN | BINARY, bytes);
        await farewell(client);
    });
});

describe("large messages", () => {
    for (const [what, opcode, byte] of [["text", TEXT, 0x2a], ["binary", BINARY, 0xfe]]) {
        for (const size of [1 << 16, 1 << 18, 1 << 20, 1 << 22, MAX]) {
            test(`${what} of ${size} bytes`, async () => {
                const client = await open();
                client.send(FIN | opcode, Buffer.alloc(size, byte));
                await expectFrame(client, FIN | opcode, Buffer.alloc(size, byte));
                await farewell(client);
            });
        }
        for (const piece of [64, 256, 1 << 10, 1300, 1 << 14, 1 << 16, 1 << 18, 1 << 20]) {
            test(`${what} of 4 MiB in fragments of ${piece} bytes`, async () => {
                const payload = Buffer.alloc(1 << 22, byte);
                const client = await open();
                client.write(fragments(opcode, payload, piece));
                await expectFrame(client, FIN | opcode, payload);
                await farewell(client);
            });
        }
        for (const chop of [64, 1024, 4093]) {
            test(`${what} of 1 MiB in chops of ${chop} bytes`, async () => {
                const client = await open();
                client.write(frame(FIN | opcode, Buffer.alloc(1 << 20, byte)), chop);
                await expectFrame(client, FIN | opcode, Buffer.alloc(1 << 20, byte));
                await farewell(client);
            });
        }
    }

    test("16 MiB in fragments of 64 KiB", async () => {
        const client = await open();
        client.write(fragments(BINARY, Buffer.alloc(MAX, 1), 1 << 16));
        await expectFrame(client, FIN | BINARY, Buffer.alloc(MAX, 1));
        await farewell(client);
    });
});

describe("limits", () => {
    for (const [what, length] of [["16 MiB + 1", MAX + 1], ["2^32", 2n ** 32n], ["2^63 - 1", 2n ** 63n - 1n]]) {
        for (const first of [FIN | BINARY, BINARY, FIN | TEXT]) {
            refused(`${what} bytes with ${first}, by the head alone`, TOO_BIG, frame(first, "", { length, size: 64 }));
        }
        refused(`${what} bytes as a continuation`, TOO_BIG, Buffer.concat([frame(BINARY), frame(CONTINUATION, "", { length, size: 64 })]));
    }

    test("16 MiB in fragments and one byte more", async () => {
        const client = await open();
        client.write(fragments(BINARY, Buffer.alloc(MAX), 1 << 20, 0));
        client.send(FIN | PING);
        await expectFrame(client, FIN | PONG, "");
        client.write(frame(FIN | CONTINUATION, "x"));
        assert.equal(await client.closed(), TOO_BIG);
    });
});
