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

const ROOMS = 3; // of one broker, watched at once
const EVERY = 5; // ms between two messages to a room
const CANDIDATES = 30; // users among whom each broker is the first for ROOMS at least
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

const sender = await cluster.connect({ user: "origen", rol: "admin", gateway: 1 });
const users = await Promise.all(Array.from({ length: CANDIDATES }, (_, i) => cluster.connect({ user: `u${i}`, gateway: 2 })));
users.forEach((client, i) => Object.assign(client, { user: `u${i}` }));
await whole();

/** Users by the first broker of their rooms: an admin's message is one emit, which that broker counts. */
async function sortUsers() {
    const emits = () => Promise.all(brokers.map((name) => cluster.metric(name, "emits_total")));
    const byBroker = new Map(brokers.map((name) => [name, []]));
    let before = await emits();
    for (const client of users) {
        await sender.sendStored(client.user, null);
        const after = await emits();
        byBroker.get(brokers[after.findIndex((n, i) => n > before[i])]).push(client);
        before = after;
    }
    return byBroker;
}

/** ms from break() until each room got a message that was sent after it; the slowest. Messages flow all the time. */
async function gap(clients, breakIt) {
    let broken = Infinity;
    const arrived = clients.map(({ socket }) => new Promise((resolve) => {
        const listen = ({ mensaje }) => {
            if (mensaje >= broken) {
                socket.off("mensaje_recibido", listen);
                resolve(performance.now() - broken);
            }
        };
        socket.on("mensaje_recibido", listen);
    }));
    const sendAll = () => clients.forEach(({ user }) => sender.send(user, performance.now()));
    const timer = setInterval(sendAll, EVERY);
    await sleep(200);
    const repaired = breakIt(() => { broken = performance.now(); });
    sendAll();
    const times = await Promise.all(arrived);
    clearInterval(timer);
    await repaired;
    return Math.max(...times);
}

async function killBroker(name, clients) {
    return gap(clients, async (now) => {
        now();
        await faults.crash(name);
        await faults.start(name);
    });
}

async function freezeBroker(name, clients) {
    return gap(clients, async (now) => {
        now();
        await faults.freeze(name, FREEZE);
    });
}

async function killGateway() {
    const there = await cluster.connect({ user: "lejos", gateway: 2 });
    const broken = performance.now();
    const dead = faults.crash("gateway-2");
    await sender.sendStored("lejos", 1, 30);
    const time = performance.now() - broken;
    await dead;
    there.close();
    await faults.start("gateway-2");
    return time;
}

function report(what, times) {
    const sorted = [...times].sort((a, b) => a - b);
    const median = (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
    console.log(`${what.padEnd(24)} median ${median.toFixed(0).padStart(5)} ms  worst ${sorted.at(-1).toFixed(0).padStart(5)} ms  of ${sorted.length}`);
}

async function measure(what, once) {
    const times = [];
    for (let i = 0; i < repetitions; i++) {
        await whole();
        times.push(await once(i));
    }
    report(what, times);
}

const byBroker = await sortUsers();
const turn = (i) => [brokers[i % brokers.length], byBroker.get(brokers[i % brokers.length]).slice(0, ROOMS)];
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
