/*
 * How long a failover takes, on loopback: node tests/fault/measure.mjs [--repetitions 20]. For people to read; it judges nothing.
 *
 *   broker killed     from SIGKILL to the first message sent after it, in rooms whose first broker it was (the slowest of ROOMS)
 *   broker frozen     the same from SIGSTOP, for 4 s
 *   gateway killed    from SIGKILL to the ack of a message to a room with a member there: the brokers take the gateway for gone
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Cluster } from "../integration/lib/cluster.mjs";
import { SCALE, waitFor } from "../integration/lib/wait.mjs";
import { Faults, isWhole, namesOf } from "./lib/faults.mjs";
import { report, Rooms } from "./lib/gap.mjs";

const ROOMS = 3; // of one broker, watched at once
const FREEZE = 4; // s

const { values } = parseArgs({ options: { repetitions: { type: "string", default: "20" } } });
const repetitions = Number(values.repetitions);
if (!(repetitions >= 1)) {
    console.error(`measure: --repetitions ${values.repetitions}: give a number from 1 on`);
    process.exit(64);
}

const cluster = await Cluster.start({ gateways: 2, brokers: 3, persisters: 2 });
const brokers = namesOf(cluster, "broker");
const faults = new Faults(cluster, null);
const whole = () => waitFor("the cluster is whole", () => isWhole(cluster, true), 30);

await whole();
const rooms = await Rooms.connect(cluster);

async function killBroker(name, clients) {
    return rooms.gap(clients, async (now) => {
        now();
        await faults.crash(name);
        await faults.start(name);
    });
}

async function freezeBroker(name, clients) {
    return rooms.gap(clients, async (now) => {
        now();
        await faults.freeze(name, FREEZE);
    });
}

async function killGateway() {
    const there = await cluster.connect({ user: "lejos", gateway: 2 });
    const broken = performance.now();
    const dead = faults.crash("gateway-2");
    await rooms.sender.sendStored("lejos", 1, 30);
    const time = performance.now() - broken;
    await dead;
    there.close();
    await faults.start("gateway-2");
    return time;
}

async function measure(what, once) {
    const times = [];
    for (let i = 0; i < repetitions; i++) {
        await whole();
        times.push(await once(i));
    }
    report(what, times);
}

const turn = (i) => [brokers[i % brokers.length], rooms.of(brokers[i % brokers.length], ROOMS)];
if (SCALE !== 1) {
    console.log(`times.scale ${100 * SCALE}`);
}
await measure("broker killed", (i) => killBroker(...turn(i)));
await measure(`broker frozen for ${FREEZE} s`, (i) => freezeBroker(...turn(i)));
await measure("gateway killed", killGateway);
const wrong = await cluster.stop();
cluster.remove();
if (wrong.length > 0) {
    console.log(wrong.join("\n"));
}
process.exit(0);
