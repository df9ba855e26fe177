// Engine.IO v4 on long-polling, request by request.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { raw, startConformance } from "./lib/conformance.mjs";
import { Connection, ok, request, SEPARATOR, Session, UNKNOWN } from "./lib/polling.mjs";
import { SCALE, waitFor } from "../integration/lib/wait.mjs";

const MAX_PAYLOAD = 100000;

let server;
let session;
before(async () => {
    server = await startConformance("engineio", "--max-payload", String(MAX_PAYLOAD));
});
after(() => server.stop());
afterEach(() => session?.destroy());

async function open() {
    session = await Session.open(server);
}

async function connection(use) {
    const connection = new Connection(server);
    try {
        return await use(connection);
    } finally {
        connection.destroy();
    }
}

describe("opening", () => {
    test("answers with the open packet", () => connection(async (connection) => {
        const { status, headers, body } = await connection.request("GET", "/engine.io/?EIO=4&transport=polling&t=abc&b64=1");
        assert.equal(status, 200);
        assert.equal(headers["content-type"], "text/plain; charset=UTF-8");
        assert.equal(headers["cache-control"], "no-store");
        assert.equal(headers.connection, undefined);
        assert.equal(headers["set-cookie"], undefined);
        assert.equal(Number(headers["content-length"]), body.length);
        assert.match(body, /^0\{"sid":"[A-Za-z0-9_-]{32}",/);
        const { sid, ...rest } = JSON.parse(body.slice(1));
        assert.deepEqual(rest, { upgrades: ["websocket"], pingInterval: 25000, pingTimeout: 20000, maxPayload: MAX_PAYLOAD });
    }));

    test("takes any path below its own", () => connection(async (connection) => {
        const { body } = await connection.request("GET", "/engine.io/foo?EIO=4&transport=polling");
        assert.match(body, /^0\{/);
    }));

    test("gives every session an id of its own", () => connection(async (connection) => {
        const bodies = [];
        for (let n = 0; n < 20; n++) {
            bodies.push((await connection.request("GET", "/engine.io/?EIO=4&transport=polling")).body);
        }
        assert.equal(new Set(bodies).size, 20);
    }));
});

describe("refusals", () => {
    const sidless = [
        ["GET", "", 0, "Transport unknown"],
        ["GET", "EIO=4", 0, "Transport unknown"],
        ["GET", "EIO=4&transport=webtransport", 0, "Transport unknown"],
        ["GET", "EIO=4&transport=nothing&sid=abc", 0, "Transport unknown"],
        ["POST", "EIO=3&transport=nothing", 0, "Transport unknown"],
        ["GET", "EIO=4&transport=polling&sid=abc", 1, "Session ID unknown"],
        ["POST", "EIO=3&transport=polling&sid=abc", 1, "Session ID unknown"],
        ["GET", `EIO=4&transport=polling&sid=${"A".repeat(32)}`, 1, "Session ID unknown"],
        ["GET", `EIO=4&transport=polling&sid=${"_".repeat(32)}`, 1, "Session ID unknown"],
        ["PUT", "EIO=4&transport=polling&sid=%00", 2, "Bad handshake method"],
        ["POST", "EIO=4&transport=polling", 2, "Bad handshake method"],
        ["PUT", "EIO=4&transport=polling", 2, "Bad handshake method"],
        ["OPTIONS", "EIO=4&transport=polling", 2, "Bad handshake method"],
        ["DELETE", "EIO=3&transport=polling", 2, "Bad handshake method"],
        ["GET", "EIO=4&transport=websocket", 3, "Bad request"],
        ["GET", "EIO=3&transport=websocket", 3, "Bad request"],
        ["GET", "transport=polling", 5, "Unsupported protocol version"],
        ["GET", "EIO=3&transport=polling", 5, "Unsupported protocol version"],
        ["GET", "EIO=4&EIO=3&transport=polling", 5, "Unsupported protocol version"],
    ];
    test("say what is wrong, in the order of the reference, on a connection that goes on", () =>
        connection(async (connection) => {
            for (const [method, query, code, message] of sidless) {
                const { status, headers, body } = await connection.request(method, `/engine.io/?${query}`, { body: "" });
                assert.equal(body, JSON.stringify({ code, message }), `${method} ?${query}`);
                assert.equal(status, 400);
                assert.equal(headers["content-type"], "application/json");
                assert.equal(headers.connection, undefined);
            }
        }));

    test("HEAD without a session is a bad handshake", async () => {
        const answer = await raw(server, request("HEAD", "/engine.io/?EIO=4&transport=polling", { headers: { Connection: "close" } }));
        assert.match(answer, /^HTTP\/1\.1 400 [^]*\r\n\r\n$/);
    });

    test("the last EIO counts", () => connection(async (connection) => {
        const { status } = await connection.request("GET", "/engine.io/?EIO=3&EIO=4&transport=polling");
        assert.equal(status, 200);
    }));

    test("a session is not for another version or transport", async () => {
        await open();
        const bad = '{"code":3,"message":"Bad request"}';
        const targets = [session.target.replace("EIO=4", "EIO=3"), session.target.replace("polling", "websocket")];
        for (const target of targets) {
            const { status, body } = await session.probing.request("GET", target);
            assert.deepEqual([status, body], [400, bad]);
        }
        assert.ok(await session.alive());
    });

    test("a session answers other methods with 500", async () => {
        await open();
        for (const method of ["PUT", "DELETE", "OPTIONS", "PATCH"]) {
            const { status, body } = await session.probing.request(method, session.target);
            assert.deepEqual([status, body], [500, ""], method);
        }
    });

    const upgrades = [["polling without a session", "EIO=4&transport=polling", "Bad request"],
        ["an unknown session", "EIO=4&transport=websocket&sid=abc", "Session ID unknown"]];
    for (const [what, query, message] of upgrades) {
        test(`an upgrade is refused as text: ${what}`, async () => {
            const answer = await raw(server, upgrade(`/engine.io/?${query}`));
            assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
            assert.match(answer, /\r\nConnection: close\r\n/);
            assert.match(answer, /\r\nContent-Type: text\/html\r\n/);
            assert.ok(answer.endsWith(`\r\n\r\n${message}`));
        });
    }

    test("an upgrade of a session with another version is refused, and the session lives", async () => {
        await open();
        const answer = await raw(server, upgrade(session.target.replace("EIO=4", "EIO=3").replace("polling", "websocket")));
        assert.ok(answer.endsWith("\r\n\r\nBad request"));
        assert.ok(await session.alive());
    });
});

function upgrade(target) {
    return request("GET", target, { headers: { "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" } });
}

describe("packets", () => {
    test("wait for a poll, and a poll waits for packets", async () => {
        await open();
        const poll = session.poll();
        ok(await session.post("4hello"));
        assert.equal((await poll).body, "4hello");
        ok(await session.post("4later"));
        const { status, headers, body } = await session.poll();
        assert.deepEqual([status, body], [200, "4later"]);
        assert.equal(headers["content-type"], "text/plain; charset=UTF-8");
        assert.equal(headers["cache-control"], "no-store");
    });

    test("go several to a body, in both ways", async () => {
        await open();
        ok(await session.post(["4a", "4", "4ñandú €😀", "bAAEC", "b", "b/w=="].join(SEPARATOR)));
        ok(await session.post("4last"));
        assert.deepEqual((await session.poll()).body.split(SEPARATOR), ["4a", "4", "4ñandú €😀", "bAAEC", "b", "b/w==", "4last"]);
    });

    test("of one body are answered in one body", async () => {
        await open();
        const poll = session.poll();
        ok(await session.post(["4a", "4b", "4c"].join(SEPARATOR)));
        assert.equal((await poll).body, ["4a", "4b", "4c"].join(SEPARATOR));
    });

    test("may be large and binary", async () => {
        await open();
        for (const size of [70000, 70001, 70002]) {
            const bytes = Buffer.from(Array.from({ length: size }, (_, n) => n % 251));
            ok(await session.post(`b${bytes.toString("base64")}`));
            assert.equal((await session.poll()).body, `b${bytes.toString("base64")}`);
        }
    });

    test("are answered as the reference answers", async () => {
        await open();
        const { headers, body } = await session.post("4a");
        assert.equal(body, "ok");
        assert.equal(headers["content-type"], "text/html");
        assert.equal(headers["content-length"], "2");
        assert.equal(headers["cache-control"], "no-store");
        assert.equal(headers.connection, undefined);
    });

    for (const type of ["text/plain;charset=UTF-8", "application/json", "application/x-www-form-urlencoded", ""]) {
        test(`may be called "${type}"`, async () => {
            await open();
            ok(await session.post("4a", { "Content-Type": type }));
            assert.equal((await session.poll()).body, "4a");
        });
    }

    test("must not be called application/octet-stream", async () => {
        await open();
        const poll = session.poll();
        const { status, body } = await session.post("4a", { "Content-Type": "application/octet-stream" });
        assert.deepEqual([status, body], [400, ""]);
        assert.equal((await poll).body, "1");
        await session.gone();
    });

    test("take exactly maxPayload; above, the session survives", async () => {
        await open();
        ok(await session.post(`4${"x".repeat(MAX_PAYLOAD - 1)}`));
        assert.equal((await session.poll()).body.length, MAX_PAYLOAD);
        ok(await session.post(`4a${SEPARATOR}4${"é".repeat((MAX_PAYLOAD - 4) / 2)}`)); // bytes count, of the whole body
        assert.equal((await session.poll()).body.split(SEPARATOR).length, 2);
        const { status, body } = await session.post("x".repeat(MAX_PAYLOAD + 1));
        assert.deepEqual([status, body], [413, ""]);
        ok(await session.post("4a", {}, session.connection()));
        assert.equal((await session.poll()).body, "4a");
    });

    test("come in pieces", async () => {
        await open();
        const poll = session.poll();
        for (const piece of [`POST ${session.target} HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n`, "4", "a", `${SEPARATOR}4`]) {
            session.posting.write(piece);
            assert.ok(await session.alive()); // a round trip between the pieces
        }
        session.posting.write("bcd");
        ok(await session.posting.next());
        assert.equal((await poll).body, `4a${SEPARATOR}4bcd`);
    });

    test("wait for 100 Continue", async () => {
        await open();
        const head = request("POST", session.target, { headers: { "Content-Length": 2, "Expect": "100-continue" } });
        session.posting.write(head);
        assert.equal((await session.posting.next()).status, 100);
        session.posting.write("4a");
        ok(await session.posting.next());
        assert.equal((await session.poll()).body, "4a");
    });

    test("are refused before 100 Continue", async () => {
        await open();
        const headers = { "Content-Length": MAX_PAYLOAD + 1, "Expect": "100-continue" };
        const { status } = await session.posting.request("POST", session.target, { headers });
        assert.equal(status, 413);
        await session.posting.end();
        assert.ok(await session.alive());
    });

    test("need no connection of their own", async () => {
        await open();
        for (let n = 0; n < 20; n++) { // POST and GET after each other, then in one write
            ok(await session.post(`4${n}`, {}, session.getting));
            assert.equal((await session.poll()).body, `4${n}`);
            session.getting.write(request("POST", session.target, { body: "4x" }) + request("GET", session.target));
            ok(await session.getting.next());
            assert.equal((await session.getting.next()).body, "4x");
        }
    });

    test("behind a poll on the same connection wait for its answer", async () => {
        await open();
        session.getting.write(request("GET", session.target) + request("POST", session.target, { body: "4behind" }));
        assert.ok(await session.alive());
        ok(await session.post("4first"));
        assert.equal((await session.getting.next()).body, "4first");
        ok(await session.getting.next());
        assert.equal((await session.poll()).body, "4behind");
    });
});

describe("a session ends", () => {
    const bodies = [["nothing", ""], ["an unknown type", "7"], ["a client's ping", "2"], ["an empty packet", `4a${SEPARATOR}`],
        ["text that is not UTF-8", Buffer.from([0x34, 0xff])], ["broken base64", "b!"]];
    for (const [what, body] of bodies) {
        test(`by ${what} in a body, which is still answered with ok`, async () => {
            await open();
            const poll = session.poll();
            session.posting.write(`POST ${session.target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`);
            session.posting.write(body);
            ok(await session.posting.next());
            assert.match((await poll).body, /^(4a\x1e)?1$/);
            const { status, body: refusal } = await session.poll();
            assert.deepEqual([status, refusal], [400, UNKNOWN]);
        });
    }

    test("by the client's close packet: the poll gets a noop", async () => {
        await open();
        const poll = session.poll();
        ok(await session.post("1"));
        assert.equal((await poll).body, "6");
        assert.equal((await session.post("4a")).body, UNKNOWN);
    });

    test("by a second poll", async () => {
        await open();
        const poll = session.poll();
        assert.ok(await session.alive());
        const { status, body } = await session.poll(session.posting);
        assert.deepEqual([status, body], [400, ""]);
        assert.equal((await poll).body, "1");
        assert.equal((await session.poll()).body, UNKNOWN);
    });

    test("by a second post", async () => {
        await open();
        session.posting.write(request("POST", session.target, { headers: { "Content-Length": 5 } }));
        assert.ok(await session.alive());
        const { status, body } = await session.post("4a", {}, session.getting);
        assert.deepEqual([status, body], [400, ""]);
        assert.equal((await session.posting.next()).status, 400);
        await session.gone();
    });

    for (const how of ["end", "destroy", "resetAndDestroy"]) {
        test(`at once when a poll's connection dies: ${how}`, async () => {
            await open();
            session.poll().catch(() => {});
            assert.ok(await session.alive());
            session.getting.socket[how]();
            await session.gone();
        });

        test(`at once when a half-sent post's connection dies: ${how}`, async () => {
            await open();
            session.posting.write(request("POST", session.target, { headers: { "Content-Length": 5 } }) + "4a");
            assert.ok(await session.alive());
            session.posting.socket[how]();
            await session.gone();
        });
    }

    test("not when a connection without a request dies", async () => {
        await open();
        session.getting.destroy();
        session.posting.destroy();
        const poll = session.poll(session.connection());
        ok(await session.post("4a", {}, session.connection()));
        assert.equal((await poll).body, "4a");
    });
});

describe("the heartbeat", () => {
    const INTERVAL = 300;
    const TIMEOUT = 200;
    let quick;
    before(async () => {
        quick = await startConformance("engineio", "--ping-interval", String(INTERVAL), "--ping-timeout", String(TIMEOUT));
    });
    after(() => quick.stop());
    const began = () => Date.now();
    const took = (since, least) => {
        const ms = Date.now() - since;
        assert.ok(ms >= least - 20 && ms < least + 1000 * SCALE, `took ${ms} ms instead of ${least}`);
    };

    test("pings, and again an interval after the pong", async () => {
        let since = began();
        session = await Session.open(quick);
        assert.equal((await session.poll()).body, "2");
        took(since, INTERVAL);
        since = began();
        ok(await session.post("3"));
        assert.equal((await session.poll()).body, "2");
        took(since, INTERVAL);
    });

    test("ends a session that does not answer: a poll that waits gets the close packet", async () => {
        const since = began();
        session = await Session.open(quick);
        assert.equal((await session.poll()).body, "2");
        assert.equal((await session.poll()).body, "1");
        took(since, INTERVAL + TIMEOUT);
        assert.equal((await session.poll()).body, UNKNOWN);
    });

    test("ends a session that does not even poll", async () => {
        const since = began();
        session = await Session.open(quick);
        await session.gone();
        took(since, INTERVAL + TIMEOUT);
    });

    test("does not take other packets for a pong", async () => {
        const since = began();
        session = await Session.open(quick);
        await waitFor("the session is gone", async () => (await session.post("4a")).body === UNKNOWN);
        took(since, INTERVAL + TIMEOUT);
    });

    test("goes on over the upgrade", async () => {
        session = await Session.open(quick);
        const client = await session.candidate();
        client.send("5");
        for (let n = 0; n < 3; n++) {
            assert.equal(await client.next(), "2");
            client.send("3");
        }
        assert.equal(await client.next(), "2");
        assert.equal(await client.end(), 1005);
        assert.equal((await session.poll()).body, UNKNOWN);
    });
});
