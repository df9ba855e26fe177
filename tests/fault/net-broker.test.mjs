// Brokers that lose each other, everybody, or a side of the network: docs/protocol.md 12, the rows of partitions.
import { FULL } from "./lib/faults.mjs";
import { flow, netFaultTest } from "./lib/netfaults.mjs";
import { enterNetwork } from "./lib/netns.mjs";
import { waitFor } from "../integration/lib/wait.mjs";

const net = await enterNetwork({ gateways: 2, brokers: 3, persisters: 2 });
const SPLIT = { limits: { delivery: 2500 } };
const SMALL = ["gateway-1", "broker-3"]; // the small side of a partition
const others = (names) => net.all.filter((node) => !names.includes(node));

netFaultTest(net, "net-broker", async ({ fault, cluster, load }) => {
    /** A broker that does not hear most of them knows that it does not know who is there. */
    const unfit = (name) => async (since) => {
        await waitFor(`${name} is unfit`, async () => (await cluster.status(name)).state === "unfit");
        await flow(load, since);
    };

    await fault("broker-1 is cut from the other brokers, gateways reach all", SPLIT,
        () => net.cut("broker-1", ["broker-2", "broker-3"]), unfit("broker-1"));
    if (!FULL) {
        return;
    }
    await fault("broker-2 hears no other broker", SPLIT, () => net.cutOneWay(["broker-1", "broker-3"], "broker-2"), unfit("broker-2"));
    await fault("no other broker hears broker-3", SPLIT, () => net.cutOneWay("broker-3", ["broker-1", "broker-2"]), unfit("broker-3"));
    await fault("broker-2 is cut from everybody", { limits: { delivery: 1500 } }, () => net.cut("broker-2", others(["broker-2"])),
        unfit("broker-2"));

    // The gateway on the small side closes; those on the other go on.
    await fault("gateway-1 and broker-3 are cut from all others", {
        closes: { closes: "gateway-1", limit: 1600 }, leaveOut: ["gateway-1"], ...SPLIT,
        mayFail: ({ connection }) => connection.gateway === "gateway-1",
    }, () => net.cut(SMALL, others(SMALL)), unfit("broker-3"));
});
