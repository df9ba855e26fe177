/*
 * How long a failover takes when one gateway and one broker are cut from each other, in a network of its own (lib/netns.mjs):
 * node tests/fault/measure-cut.mjs. For people to read; it judges nothing. REPETITIONS in the environment, default 20.
 *
 * The longest time without a message from the cut on, in rooms whose first broker it was (the slowest of ROOMS); messages go
 * from gateway-1 to gateway-2 all the time, 50 a second to each room. Cut both ways, that is the time to the first message sent after
 * the cut.
 *   receiver cut   gateway-2 is cut off: the broker must be sure that it does not serve, or give way
 *   sender cut     gateway-1 is cut off: it ends the session and sends everything to the next broker
 *   ... one way    only what the named one sends is lost
 */
import { SCALE, waitFor } from "../integration/lib/wait.mjs";
import { isWhole, namesOf } from "./lib/faults.mjs";
import { report, Rooms } from "./lib/gap.mjs";
import { enterNetwork } from "./lib/netns.mjs";

const ROOMS = 3; // of one broker, watched at once
const HOLD = 4000; // ms of a cut; whatever happens, happens within L_a, 2.9 s
const REPETITIONS = Number(process.env.REPETITIONS || 20);
const net = await enterNetwork({ gateways: 2, brokers: 3, persisters: 2 });

net.test("measure", {}, async (cluster) => {
    const whole = () => waitFor("the cluster is whole", () => isWhole(cluster, true), 30);
    const brokers = namesOf(cluster, "broker");
    await whole();
    const rooms = await Rooms.connect(cluster);

    for (const [what, cut] of [
        ["receiver cut", (broker) => net.cut("gateway-2", broker)],
        ["receiver cut, one way: it does not hear", (broker) => net.cutOneWay(broker, "gateway-2")],
        ["receiver cut, one way: it is not heard", (broker) => net.cutOneWay("gateway-2", broker)],
        ["sender cut", (broker) => net.cut("gateway-1", broker)],
        ["sender cut, one way: it does not hear", (broker) => net.cutOneWay(broker, "gateway-1")],
        ["sender cut, one way: it is not heard", (broker) => net.cutOneWay("gateway-1", broker)],
    ]) {
        const times = [];
        for (let i = 0; i < REPETITIONS; i++) {
            await whole();
            const broker = brokers[i % brokers.length];
            times.push(await rooms.silence(rooms.of(broker, ROOMS), () => cut(broker), HOLD * SCALE));
            await net.heal();
        }
        report(what, times);
    }
});
