// A broker is added to, drained from and removed from the running cluster under load: protocol.md 8.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { run, ROOT } from "../integration/lib/cluster.mjs";
import { httpGet } from "../integration/lib/client.mjs";
import { waitFor } from "../integration/lib/wait.mjs";
import { faultTest, namesOf, NONE } from "./lib/faults.mjs";

const BYSTANDERS = 60; // users who only listen, so that there are rooms to move

const localCluster = async (cluster, ...args) => {
    const { code, stdout, stderr } = await run(`${ROOT}/deploy/local-cluster`, [...args, "--dir", cluster.dir], { seconds: 120 });
    assert.equal(code, 0, stdout + stderr);
};

/** {broker: rooms it knows} */
async function rooms(cluster) {
    const names = namesOf(cluster, "broker");
    const all = await Promise.all(names.map((name) => cluster.status(name)));
    return Object.fromEntries(names.map((name, i) => [name, all[i].rooms]));
}

const moved = (before, after) => Object.keys(after).reduce((sum, name) => sum + Math.max(0, after[name] - (before[name] ?? 0)), 0);

faultTest("grow", async ({ cluster, phase, step }) => {
    await Promise.all(Array.from({ length: BYSTANDERS }, (_, i) => cluster.connect({ user: `b${i}`, gateway: 1 + i % 2 })));
    const [first] = namesOf(cluster, "broker");
    let before = await rooms(cluster);

    await phase("a broker is added", { limits: { delivery: NONE, ack: NONE } }, () => localCluster(cluster, "grow"));
    const grown = await rooms(cluster);
    const total = Object.values(grown).reduce((sum, n) => sum + n, 0);
    await step("only its share of the rooms moved", () => {
        assert.ok(grown["broker-4"] > total / 8 && grown["broker-4"] < total / 2.5, JSON.stringify(grown));
        assert.equal(moved(before, grown), grown["broker-4"], `${JSON.stringify(before)} ${JSON.stringify(grown)}`);
        for (const name of Object.keys(before)) {
            assert.ok(grown[name] <= before[name], `${name}: ${JSON.stringify(before)} ${JSON.stringify(grown)}`);
        }
    });
    await step("every gateway and broker counts four brokers", async () => {
        const counting = cluster.nodes.filter(({ role }) => role !== "persister").map(({ name }) => name);
        for (const name of counting) {
            assert.equal((await cluster.status(name)).metrics.voters, 4, name);
        }
    });

    before = grown;
    await phase("a broker is removed", { limits: { delivery: NONE, ack: NONE } }, () => localCluster(cluster, "shrink", first));
    await step("only its share of the rooms moved", async () => {
        const after = await rooms(cluster);
        assert.equal(moved(before, after), before[first], `${JSON.stringify(before)} ${JSON.stringify(after)}`);
        assert.equal(first in after, false);
    });
    await step("nobody who only listened was disconnected", () => {
        assert.deepEqual(cluster.clients.filter(({ disconnected }) => disconnected !== null).length, 0);
    });
    await step("the removed broker is no row of the status any more", async () => {
        await waitFor("all forgot it", async () => {
            const { code, stdout } = await cluster.ctl("status");
            return code === 0 && !stdout.includes(first);
        });
    });

    await step("two changes at once are refused, and nothing changes", async () => {
        const { config, admin } = cluster.node("gateway-1");
        const text = readFileSync(config, "utf8");
        writeFileSync(config, text.replace(/^(brokers *=.*)$/m, "$1,broker-8=127.0.0.1:9,broker-9=127.0.0.1:10"));
        const { code, stderr } = await cluster.ctl("reload", "gateway-1");
        assert.equal(code, 78);
        assert.match(stderr, /^gateway-1: refused, nothing changed: cluster\.brokers: more than one broker differs/m);
        const answer = await httpGet(`http://${admin}/reload`, null, { method: "POST" });
        assert.equal(answer.status, 422);
        writeFileSync(config, text);
        assert.match((await cluster.ctl("reload")).stdout, /gateway-1: nothing changed/);
        assert.equal((await cluster.status("gateway-1")).metrics.voters, 3);
    });
    await step("another weight is refused, and so is a broker's list without itself", async () => {
        const { config } = cluster.node("broker-2");
        const text = readFileSync(config, "utf8");
        writeFileSync(config, text.replace(/^(brokers *=.*)$/m, "$1*3"));
        assert.match((await cluster.ctl("reload", "broker-2")).stderr, /another weight: remove it/);
        writeFileSync(config, text.replace(/broker-2=[^,\n]*,?/, ""));
        assert.match((await cluster.ctl("reload", "broker-2")).stderr, /this broker, node\.id broker-2, is not in the list/);
        writeFileSync(config, text);
    });
    await step("a broker that never comes is pending, and can be taken back", async () => {
        const { config } = cluster.node("gateway-2");
        const text = readFileSync(config, "utf8");
        const with8 = text.replace(/^(brokers *=.*)$/m, "$1,broker-8=127.0.0.1:9");
        writeFileSync(config, with8);
        assert.match((await cluster.ctl("reload", "gateway-2")).stdout, /gateway-2: cluster\.brokers changed/);
        assert.equal((await cluster.status("gateway-2")).metrics.voters, 3);
        writeFileSync(config, with8.replace(/^(brokers *=.*)$/m, "$1,broker-9=127.0.0.1:10"));
        assert.match((await cluster.ctl("reload", "gateway-2")).stderr, /was not heard yet: start it, or remove it again/);
        writeFileSync(config, text);
        assert.match((await cluster.ctl("reload", "gateway-2")).stdout, /gateway-2: cluster\.brokers changed/);
    });
});
