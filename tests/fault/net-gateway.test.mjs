// Gateways that lose brokers: docs/protocol.md 12, the rows "gateway cut from ...".
import { FULL, NONE } from "./lib/faults.mjs";
import { netFaultTest } from "./lib/netfaults.mjs";
import { enterNetwork } from "./lib/netns.mjs";

const net = await enterNetwork({ gateways: 2, brokers: 3, persisters: 2 });

// It fences itself. What others send is not late; acks wait for it until the brokers know that it is gone.
const FENCED = {
    closes: { closes: "gateway-2", limit: 1600 }, leaveOut: ["gateway-2"], limits: { delivery: NONE, ack: 2700 },
    mayFail: ({ connection }) => connection.gateway === "gateway-2",
};
// Nobody is closed. The broker must be sure that the gateway does not serve, or turn unfit.
const PARTIAL = { limits: { delivery: 2900, ack: 2900 } };

netFaultTest(net, "net-gateway", async ({ fault }) => {
    await fault("gateway-2 is cut from all brokers", FENCED, () => net.cut("gateway-2", net.nodes("broker")));
    await fault("gateway-2 is cut from broker-1", PARTIAL, () => net.cut("gateway-2", "broker-1"));
    if (FULL) {
        await fault("gateway-2 is cut from most brokers", FENCED, () => net.cut("gateway-2", ["broker-1", "broker-3"]));
        await fault("broker-2 does not hear gateway-2", PARTIAL, () => net.cutOneWay("gateway-2", "broker-2"));
        await fault("gateway-1 does not hear broker-3", PARTIAL, () => net.cutOneWay("broker-3", "gateway-1"));
    }
});
