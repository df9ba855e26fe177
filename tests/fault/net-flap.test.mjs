// Links that are reset every second: each time everything is dialled, proven and joined again (docs/protocol.md 12, "link flaps").
import { setTimeout as sleep } from "node:timers/promises";
import { SCALE } from "../integration/lib/wait.mjs";
import { netFaultTest } from "./lib/netfaults.mjs";
import { enterNetwork } from "./lib/netns.mjs";

const net = await enterNetwork({ gateways: 2, brokers: 3, persisters: 2 });
const TIMES = 6, EVERY = 1000, TORN = 250; // ms; heartbeats find out within 100
const FLAPS = { limits: { delivery: 1300 } };

netFaultTest(net, "net-flap", async ({ fault }) => {
    const flap = (some, others) => async () => {
        for (let i = 0; i < TIMES; i++) {
            await net.tear(some, others, TORN * SCALE);
            await sleep((EVERY - TORN) * SCALE);
        }
    };
    const [gateways, brokers, persisters] = ["gateway", "broker", "persister"].map((role) => net.nodes(role));
    await fault("gateway-1 and broker-1 are reset every second", FLAPS, flap("gateway-1", "broker-1"));
    await fault("all gateways and broker-2 are reset every second", FLAPS, flap(gateways, "broker-2"));
    await fault("brokers are reset every second", FLAPS, flap(brokers, brokers));
    await fault("persisters and brokers are reset every second", FLAPS, flap(persisters, brokers));
});
