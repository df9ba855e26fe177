// From long-polling to a WebSocket, packet by packet.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { RawClient, startConformance } from "./lib/conformance.mjs";
import { ok, SEPARATOR, Session } from "./lib/polling.mjs";
import { waitFor } from "../integration/lib/wait.mjs";

describe("the upgrade", () => {
    let server;
    let session;
    before(async () => {
        server = await startConformance("engineio");
    });
    after(() => server.stop());
    afterEach(() => session?.destroy());

    const open = async () => {
        session = await Session.open(server);
    };
    const probed = async () => {
        const client = await session.candidate();
        client.send("2probe");
        assert.equal(await client.next(), "3probe");
        return client;
    };
    // Polling serves as before.
    const lives = async () => {
        const poll = session.poll();
        assert.ok(await session.alive());
        ok(await session.post("4on"));
        assert.equal((await poll).body, "4on");
    };

    test("lets the poll go, moves what is queued, and ends polling", async () => {
        await open();
        const poll = session.poll();
        const client = await probed();
        assert.equal((await poll).body, "6");
        ok(await session.post(["4a", "bAAEC", "4b"].join(SEPARATOR)));
        client.send("5");
        assert.equal(await client.next(), "4a");
        assert.deepEqual(await client.next(), Buffer.from([0, 1, 2]));
        assert.equal(await client.next(), "4b");
        client.send("4c");
        assert.equal(await client.next(), "4c"); // once, and nothing between
        for (const method of ["GET", "POST", "PUT"]) {
            const { status, body } = await session.probing.request(method, session.target, { body: "" });
            assert.deepEqual([status, body], [400, '{"code":3,"message":"Bad request"}'], method);
        }
    });

    test("may do without a probe and without a poll", async () => {
        await open();
        const client = await session.candidate();
        client.send("5");
        client.send("4a");
        assert.equal(await client.next(), "4a");
    });

    test("keeps polling alive until it is finished", async () => {
        await open();
        const client = await probed();
        assert.equal((await session.poll()).body, "6");
        ok(await session.post("4a"));
        assert.equal((await session.poll()).body, "4a");
        client.send("5");
        client.send("4b");
        assert.equal(await client.next(), "4b");
    });

    const wrong = [["a message", "4a"], ["a ping without probe", "2"], ["a pong", "3probe"], ["a noop", "6"], ["nothing", ""],
        ["binary", Buffer.from("5")]];
    for (const [what, packet] of wrong) {
        test(`closes only a candidate that sends ${what}`, async () => {
            await open();
            const client = await session.candidate();
            client.send(packet);
            assert.equal(await client.end(), 1005);
            await lives();
        });
    }

    test("is over when the candidate is lost", async () => {
        await open();
        const client = await probed();
        client.close();
        await waitFor("polls wait again", async () => {
            const poll = session.poll();
            ok(await session.post("4a"));
            if ((await poll).body === "4a") {
                return true;
            }
            await session.poll(); // the message behind the noop
            return false;
        });
        await lives();
        (await probed()).send("5"); // and may be tried again
        await waitFor("upgraded", async () => await session.alive() === undefined);
    });

    test("takes one candidate at a time", async () => {
        await open();
        const first = await probed();
        const second = await session.candidate();
        assert.equal(await second.end(), 1005);
        first.send("5");
        first.send("4a");
        assert.equal(await first.next(), "4a");
        const third = await session.candidate();
        assert.equal(await third.end(), 1005);
        first.send("4b");
        assert.equal(await first.next(), "4b");
    });

    test("closes the candidate when the session ends", async () => {
        await open();
        const client = await probed();
        ok(await session.post("1"));
        assert.equal(await client.end(), 1005);
    });

    test("is not needed: a WebSocket of its own opens beside", async () => {
        await open();
        const client = new RawClient(`${server.ws}/engine.io/?EIO=4&transport=websocket`);
        assert.match(await client.next(), /^0\{.*"upgrades":\[\]/);
        client.close();
        await lives();
    });
});
