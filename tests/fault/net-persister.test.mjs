// Persisters that brokers cannot reach: acknowledgements wait as the quorum says, deliveries never do, and whoever comes back
// catches up.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { NONE } from "./lib/faults.mjs";
import { flow, netFaultTest } from "./lib/netfaults.mjs";
import { enterNetwork } from "./lib/netns.mjs";
import { SCALE } from "../integration/lib/wait.mjs";

const net = await enterNetwork({ gateways: 2, brokers: 3, persisters: 2 });
const CUT = 3000; // ms at least that a persister is away; an emit waits 30 s

const stayed = (load) => async (since) => {
    await sleep(CUT * SCALE - (performance.now() - since));
    await flow(load, since);
};

netFaultTest(net, "net-persister, acknowledged when all have stored", async ({ fault, load }) => {
    const waits = {
        limits: { silence: NONE, delivery: NONE },
        check: ({ ack }) => assert.ok(ack > (CUT - 500) * SCALE, `an ack did not wait for the persister: the longest took ${ack} ms`),
    };
    await fault("persister-1 is cut from broker-1", waits, () => net.cut("persister-1", "broker-1"), stayed(load));
    await fault("persister-2 is cut from everybody", waits,
        () => net.cut("persister-2", net.all.filter((node) => node !== "persister-2")), stayed(load));
});

netFaultTest(net, "net-persister, acknowledged when one has stored", async ({ fault, load }) => {
    const goesOn = { limits: { silence: NONE, delivery: NONE, ack: NONE } };
    await fault("persister-2 is cut from broker-1", goesOn, () => net.cut("persister-2", "broker-1"), stayed(load));
    await fault("persister-1 is cut from everybody", goesOn,
        () => net.cut("persister-1", net.all.filter((node) => node !== "persister-1")), stayed(load));
}, { settings: ["broker.store.ack_quorum=1"] });
