// Clients whose session another gateway has, while the brokers that their relays lead over die, drain, go and come: nobody is
// disconnected, and every message comes once and in order (docs/decisions/0007-relays.md).
import assert from "node:assert/strict";
import { run, ROOT } from "../integration/lib/cluster.mjs";
import { startProxy } from "../integration/lib/proxy.mjs";
import { waitFor } from "../integration/lib/wait.mjs";
import { faultTest, FULL, isWhole, namesOf } from "./lib/faults.mjs";

const DEFAULT = { transports: ["polling", "websocket"] }, POLLING = { transports: ["polling"] };
// Some stay on long-polling, whose requests take their time on a busy machine: no limits here but those of the oracle.
const options = (number) => number % 6 ? DEFAULT : POLLING;

const localCluster = async (cluster, ...args) => {
    const { code, stdout, stderr } = await run(`${ROOT}/deploy/local-cluster`, [...args, "--dir", cluster.dir], { seconds: 120 });
    assert.equal(code, 0, stdout + stderr);
};

/** All clients come by one balancer without sticky sessions. */
async function load(cluster, t) {
    const proxy = await startProxy([1, 2, 3].map((number) => cluster.url(number)));
    t.after(() => proxy.stop());
    return { gateways: [{ name: "proxy", url: proxy.url }], admins: 6, users: 54, rate: 2, options };
}

faultTest("relays", async ({ cluster, phase, load: { tabs } }) => {
    const whole = () => waitFor("the cluster is whole", () => isWhole(cluster, true), 30);
    const moves = () => cluster.metric("gateway", "relay_moves_total");
    const brokers = namesOf(cluster, "broker").slice(0, FULL ? 3 : 2);
    let before = 0;

    await waitFor("every client on its last transport", () => tabs.every(({ name, client }) =>
        client.socket.io.engine.transport.name === options(Number(name.slice(1))).transports.at(-1)));
    assert.ok(await cluster.metric("gateway", "relayed") >= tabs.length / 4, "round robin relays about two of three clients");

    await phase("each broker in turn is killed and restarted", {}, async (faults) => {
        for (const name of brokers) {
            await faults.crash(name);
            await faults.start(name);
            await whole();
        }
    });
    assert.ok(await moves() > before, "some went another way");
    before = await moves();

    await phase("each broker in turn is drained and started again", {}, async (faults) => {
        for (const name of brokers) {
            const { code, stdout, stderr } = await cluster.ctl("drain", name, "--wait");
            assert.equal(code, 0, stdout + stderr);
            await faults.start(name);
            await whole();
        }
    });
    assert.ok(await moves() > before, "some went another way");

    await phase("a broker is added, and another one removed", {}, async () => {
        await localCluster(cluster, "grow");
        await whole();
        await localCluster(cluster, "shrink", brokers[0]);
    });
}, { gateways: 3, load });
