// Links that are never well, lossy or slow. Sessions may break again and again, so what counts is that nothing is lost, doubled,
// out of order or stored wrongly, and that errors say so.
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startProxy } from "../integration/lib/proxy.mjs";
import { SCALE } from "../integration/lib/wait.mjs";
import { netFaultTest } from "./lib/netfaults.mjs";
import { enterNetwork } from "./lib/netns.mjs";

const net = await enterNetwork({ gateways: 2, brokers: 3, persisters: 2 });
const LONG = 10000; // ms of a fault
const DELAY = 100; // ms each way
const LOAD = { admins: 4, users: 4, rate: 5 }; // 20 messages a second
const HONEST = { mayDisconnect: net.nodes("gateway"), mayFail: true };
const long = () => sleep(LONG * SCALE);

netFaultTest(net, "net-bad, loss", async ({ fault }) => {
    await fault("5 of 100 packets are lost everywhere", HONEST, () => net.lose(net.all, net.all), long);
}, { load: LOAD });

/** Relays of this test, through which all nodes reach the brokers: cluster.brokers, as a setting. */
async function slowBrokers() {
    const relays = await Promise.all(net.nodes("broker").map((name) => startProxy([`http://${net.linkOf(name)}`],
        { host: net.client, delay: DELAY })));
    after(() => relays.forEach((relay) => relay.stop()));
    return `all.cluster.brokers=${net.nodes("broker").map((name, i) => `${name}=${new URL(relays[i].url).host}`).join(",")}`;
}

netFaultTest(net, "net-bad, delay", async ({ fault }) => {
    await fault(`every link takes ${DELAY} ms each way`, HONEST, async () => {}, long);
}, { load: LOAD, settings: net.reason === null ? [await slowBrokers()] : [] });
