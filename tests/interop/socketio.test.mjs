// Socket.IO v5 and Engine.IO v4 over WebSocket: npm's client, then packet by packet.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, describe, test } from "node:test";
import { io as io48 } from "socket.io-client";
import { io as io40 } from "socket.io-client-4.0";
import { connected, engine, raw, startConformance } from "./lib/conformance.mjs";
import { within } from "../integration/lib/wait.mjs";

let server;
before(async () => {
    server = await startConformance("socketio", "--ping-interval", "300", "--ping-timeout", "200", "--connect-timeout", "500",
        "--max-payload", "100000");
});
after(() => server.stop());

// The oldest client of the protocol and the newest.
for (const client of [
    { version: "4.0", io: io40, transports: ["websocket"] },
    { version: "4.8", io: io48, transports: ["websocket"] },
]) {
    describe(`npm's socket.io-client ${client.version} by ${client.transports.join(", ")}`, () => npmClient(client));
}

function npmClient({ io, transports }) {
    let socket;
    const make = (path = "", options = {}) => {
        socket = io(server.url + path, { transports, forceNew: true, ...options });
        return socket;
    };
    const open = async () => within("connect", once(make(), "connect"));
    const ask = (...args) => within("ack", new Promise((resolve) => socket.emit("message-with-ack", ...args, resolve)));
    afterEach(() => socket.close());

    test("connects, gets its auth payload back, and exchanges events", async () => {
        make("", { auth: { token: "ñandú" } });
        const [auth] = await within("auth", once(socket, "auth"));
        assert.deepEqual(auth, { token: "ñandú" });
        socket.emit("message", 1, "dos", { tres: [null, true] });
        assert.deepEqual(await within("echo", once(socket, "message-back")), [1, "dos", { tres: [null, true] }]);
    });

    test("sends and gets binary, empty and large", async () => {
        await open();
        const parts = [Buffer.from([0, 255, 10]), { deep: [Buffer.alloc(0), Buffer.alloc(70000, 7)] }];
        socket.emit("message", ...parts);
        assert.deepEqual(await within("echo", once(socket, "message-back")), parts);
    });

    test("gets acks, with binary too", async () => {
        await open();
        assert.deepEqual(await ask(Buffer.from("x")), Buffer.from("x"));
        assert.equal(await ask("y"), "y");
    });

    test("enters a second namespace on the same connection", async () => {
        await open();
        const custom = socket.io.socket("/custom");
        await within("connect", once(custom, "connect"));
        custom.emit("message", "there");
        assert.deepEqual(await within("echo", once(custom, "message-back")), ["there"]);
        custom.disconnect();
        socket.emit("message", "still here");
        assert.deepEqual(await within("echo", once(socket, "message-back")), ["still here"]);
    });

    test("is told that a namespace does not exist", async () => {
        make("/random");
        const [error] = await within("refusal", once(socket, "connect_error"));
        assert.equal(error.message, "Invalid namespace");
    });

    test("stays connected over many heartbeats", async () => {
        await open();
        let ended;
        socket.on("disconnect", (reason) => (ended = reason));
        let pings = 0;
        await within("pings", new Promise((resolve) => {
            socket.io.engine.on("packet", ({ type }) => type === "ping" && ++pings === 4 && resolve());
        }));
        assert.equal(ended, undefined);
    });

    test("keeps the order of a thousand events", async () => {
        await open();
        const seen = [];
        const all = new Promise((resolve) => socket.on("message-back", (n) => seen.push(n) === 1000 && resolve()));
        for (let n = 0; n < 1000; n++) {
            socket.emit("message", n);
        }
        await within("all echoes", all);
        assert.deepEqual(seen, [...Array(1000).keys()]);
    });
}

describe("Engine.IO", () => {
    test("opens with the settings of the server", async () => {
        const client = await engine(server);
        assert.match(client.open.sid, /^[A-Za-z0-9_-]{32}$/);
        const { sid, ...rest } = client.open;
        assert.deepEqual(rest, { upgrades: [], pingInterval: 300, pingTimeout: 200, maxPayload: 100000 });
        client.close();
    });

    test("pings, and closes who does not answer", async () => {
        const client = await connected(server);
        assert.equal(await client.next(), "2");
        client.send("3");
        assert.equal(await client.next(), "2");
        assert.equal(await client.end(), 1005);
    });

    test("closes a session that never connects", async () => {
        const client = await engine(server);
        client.socket.on("message", (data) => data.toString() === "2" && client.send("3"));
        assert.equal(await client.end(), 1005);
    });

    for (const packet of ["", "2", "7", "x"]) {
        test(`closes at the packet "${packet}"`, async () => {
            const client = await engine(server);
            client.send(packet);
            assert.equal(await client.end(), 1005);
        });
    }

    test("ignores packets that mean nothing here", async () => {
        const client = await connected(server);
        for (const packet of ["0", "1", "3", "5", "6"]) {
            client.send(packet);
        }
        client.send('42["message"]');
        assert.equal(await client.next(), '42["message-back"]');
        client.close();
    });

    test("closes with 1009 above maxPayload, and takes exactly that", async () => {
        const client = await connected(server);
        client.send(`42["message","${"x".repeat(100000 - 16)}"]`);
        assert.equal((await client.next()).length, 100000 + 5);
        client.send("4".repeat(100001));
        assert.equal(await client.end(), 1009);
    });

    const refusals = [
        ["GET /socket.io/?EIO=4", 0, "Transport unknown"],
        ["GET /socket.io/?EIO=4&transport=webtransport", 0, "Transport unknown"],
        ["GET /socket.io/?EIO=4&transport=websocket", 3, "Bad request"],
        ["POST /socket.io/?EIO=4&transport=websocket", 2, "Bad handshake method"],
        ["GET /socket.io/?EIO=4&transport=websocket&sid=abc", 1, "Session ID unknown"],
    ];
    for (const [line, code, message] of refusals) {
        test(`answers ${line} with code ${code}`, async () => {
            const answer = await raw(server, `${line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`, (text) => text.includes("}"));
            assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
            assert.match(answer, /\r\nContent-Type: application\/json\r\n/);
            assert.ok(answer.endsWith(`\r\n\r\n{"code":${code},"message":"${message}"}`));
            assert.doesNotMatch(answer, /Connection: close/);
        });
    }

    const upgrades = [
        ["EIO=3&transport=websocket", "Unsupported protocol version"],
        ["transport=websocket", "Unsupported protocol version"],
        ["EIO=4&EIO=3&transport=websocket", "Unsupported protocol version"],
        ["EIO=4&transport=nothing", "Transport unknown"],
        ["EIO=4&transport=websocket&sid=abc", "Session ID unknown"],
    ];
    for (const [query, message] of upgrades) {
        test(`refuses the upgrade of ?${query} before 101`, async () => {
            const answer = await raw(server, `GET /socket.io/?${query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n` +
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
            assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
            assert.match(answer, /\r\nConnection: close\r\n/);
            assert.ok(answer.endsWith(`\r\n\r\n${message}`));
        });
    }
});

describe("Socket.IO packets", () => {
    const close = [
        ["an unknown type", '49["x"]'], ["no JSON", "42[x]"], ["trailing bytes", '42["message"]x'], ["an object as event", "42{}"],
        ["an empty event", "42[]"], ["null as name", "42[null]"], ["an object as name", "42[{}]"],
        ["a reserved name", '42["disconnect"]'], ["a namespace not joined", '42/custom,["message"]'], ["a second CONNECT", "40"],
        ["CONNECT_ERROR", '44{"message":"x"}'], ["DISCONNECT with a payload", "41{}"], ["no attachments", '450-["message"]'],
        ["too many attachments", '4511-["message"]'], ["attachments without a dash", '451["message"]'],
        ["a placeholder out of range", '451-["message",{"_placeholder":true,"num":1}]'],
    ];
    for (const [what, packet] of close) {
        test(`close the connection: ${what}`, async () => {
            const client = await connected(server);
            client.send(packet);
            assert.equal(await client.end(), 1005);
        });
    }

    test("close the connection: an event before CONNECT", async () => {
        const client = await engine(server);
        client.send('42["message"]');
        assert.equal(await client.end(), 1005);
    });

    for (const payload of ["[1]", '"x"', "null", "{"]) {
        test(`close the connection: CONNECT with ${payload}`, async () => {
            const client = await engine(server);
            client.send(`40${payload}`);
            assert.equal(await client.end(), 1005);
        });
    }

    test("close the connection: binary that was not announced", async () => {
        const client = await connected(server);
        client.send(Buffer.from("x"));
        assert.equal(await client.end(), 1005);
    });

    test("close the connection: text while attachments are due", async () => {
        const client = await connected(server);
        client.send('451-["message",{"_placeholder":true,"num":0}]');
        client.send('42["message"]');
        assert.equal(await client.end(), 1005);
    });

    test("are ignored: no payload, numeric and unknown names, stray acks", async () => {
        const client = await connected(server);
        for (const packet of ["42", "421", '42[7,"x"]', '42["nobody knows it"]', '4312["x"]', "43[]"]) {
            client.send(packet);
        }
        client.send('451-["nobody",{"_placeholder":true,"num":0}]');
        client.send(Buffer.from("x"));
        client.send('42["message", 1 ]');
        assert.equal(await client.next(), '42["message-back", 1 ]');
        client.close();
    });

    test("have ids that come back as they were", async () => {
        const client = await connected(server);
        for (const id of ["0", "7", "9007199254740991"]) {
            client.send(`42${id}["message-with-ack","x"]`);
            assert.equal(await client.next(), `43${id}["x"]`);
        }
        client.close();
    });

    test("DISCONNECT leaves the engine open for another CONNECT", async () => {
        const client = await connected(server);
        client.send("41");
        client.send("40/,");
        assert.match(await client.next(), /^40\{"sid":"[A-Za-z0-9_-]{20}"\}$/);
        assert.equal(await client.next(), '42["auth",{}]');
        client.close();
    });

    test("nesting of any depth does no harm", async () => {
        const client = await connected(server);
        client.send(`42["nobody",${"[".repeat(49000)}${"]".repeat(49000)}]`);
        client.send('42["message"]');
        assert.equal(await client.next(), '42["message-back"]');
        client.close();
    });

    test("the reply to an unknown namespace leaves out its query", async () => {
        const client = await engine(server);
        client.send("40/random?a=b,");
        assert.equal(await client.next(), '44/random,{"message":"Invalid namespace"}');
        client.close();
    });
});

test("another path is not found, upgrade or not", async () => {
    for (const fields of ["", "Connection: Upgrade\r\nUpgrade: websocket\r\n"]) {
        const answer = await raw(server, `GET /socket.io HTTP/1.1\r\nHost: x\r\n${fields}\r\n`, (text) => text.includes("Not Found\n"));
        assert.match(answer, /^HTTP\/1\.1 404 Not Found\r\n/);
    }
});
