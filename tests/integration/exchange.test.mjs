// Persisters fill each other's gaps: what one missed while it was away, although the broker died with its buffer, and all of
// it when it comes with an empty directory.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { clusterTest } from "./lib/cluster.mjs";
import { SCALE, waitFor } from "./lib/wait.mjs";

const ADMIN = { user: "jefe", rol: "admin" };
const TEXT = "x".repeat(1000); // of a message: what fills for some seconds at RATE
const RATE = 192 * 1024;
const MANY = 300, AT_ONCE = 20;

const settings = ["broker.store.ack_quorum=1", `persister-3.exchange.rate=${RATE}`];

async function body(cluster, step) {
    const persisters = ["persister-1", "persister-2", "persister-3"];
    const sent = [];
    const say = async (client) => {
        sent.push(sent.length);
        await client.sendStored("ana", { n: sent.length - 1, text: TEXT });
    };
    const rows = (name) => cluster.metric(name, "store_rows");
    const hasAll = (name, seconds) => waitFor(`${name} has all`, async () => await rows(name) === sent.length, seconds);
    const statusOf = async (name) => {
        const { nodes } = JSON.parse((await cluster.ctl("status", "-o", "json")).stdout);
        return nodes.find((node) => node.name === name);
    };

    // Neither is needed for an acknowledgement; one is away, the other was never there. The broker keeps for both what it can.
    await cluster.kill(["persister-2", "persister-3"]);
    rmSync(cluster.node("persister-3").data, { recursive: true });

    await step("one that was away gets what is in no broker's buffer any more", async () => {
        const before = await cluster.connect({ user: "luis" });
        for (let i = 0; i < MANY; i += AT_ONCE) {
            await Promise.all(Array.from({ length: AT_ONCE }, () => say(before)));
        }
        before.close();
        await cluster.kill("broker-1");
        await cluster.startNodes(["broker-1", "persister-2"]);
        await hasAll("persister-2");
        assert.equal(await cluster.metric("persister-2", "fill_rows"), MANY);
    });

    await step("a new one fills itself while the load goes on, as slowly as it is told", async () => {
        const client = await waitFor("a client is let in", () => cluster.connect({ user: "eva" }));
        const began = performance.now();
        await cluster.startNodes("persister-3");
        let said = 0;
        for (let node = null; node?.state !== "serving"; said++) {
            await say(client);
            node = await statusOf("persister-3");
            assert.ok(["filling", "serving"].includes(node.state), node.state);
            assert.ok(node.metrics.fill_behind <= node.metrics.fill_of);
        }
        assert.ok(said > 1, "messages were stored meanwhile");
        await hasAll("persister-3");
        const seconds = (performance.now() - began) / 1000, least = (MANY * TEXT.length) / RATE - 0.5;
        assert.ok(seconds > least, `filled in ${seconds} s, sooner than the ${least} s that its rate allows`);
        const [, behind, of] = /fill-begin behind=(\d+) of=(\d+)/.exec(cluster.log("persister-3"));
        assert.ok(Number(behind) > 0 && Number(of) >= MANY, `behind by ${behind} of ${of}`);
        assert.match(cluster.log("persister-3"), /fill-end seconds=\d+ stored=\d+/);
        await Promise.all(persisters.map((name) => hasAll(name)));
    });

    await step("nothing goes round: at rest everything is read, and stored once", async () => {
        await waitFor("all is read", async () => await cluster.metric("persister", "fill_behind") === 0);
        for (const name of persisters) {
            const { metrics } = await cluster.status(name);
            assert.deepEqual([metrics.persisters, metrics.gateways], [2, 1], name);
            assert.deepEqual([metrics.filling, metrics.store_rows], [0, sent.length], name);
        }
    });

    await step("the history of each alone is whole", async () => {
        await cluster.kill(persisters.slice(1), "TERM");
        for (const [i, name] of persisters.entries()) {
            if (i > 0) {
                await cluster.kill(persisters[i - 1], "TERM");
                await cluster.startNodes(name);
            }
            const numbers = await waitFor(`a gateway reads ${name}`, async () => {
                const { status, json } = await cluster.get("/api/mensajes?con=ana", ADMIN);
                return status === 200 && json.map(({ mensaje }) => mensaje.n);
            });
            assert.deepEqual(numbers.sort((a, b) => a - b), sent, name);
        }
    });
}

// Brokers need times.list_lease after each start; with the times of a sanitizer's run that is a minute in all.
if (SCALE > 1 && !process.env.ROOMCAST_TEST_FULL) {
    test("exchange", { skip: "with ROOMCAST_TEST_FULL only" });
} else {
    clusterTest("exchange", { gateways: 1, brokers: 1, persisters: 3, settings }, body);
}
