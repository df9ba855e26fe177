// Every node in turn dies by SIGKILL under load, and is started again: at once, and when the others have got used to it.
import { setTimeout as sleep } from "node:timers/promises";
import { faultTest, FULL, namesOf, NONE } from "./lib/faults.mjs";
import { SCALE, waitFor } from "../integration/lib/wait.mjs";

const WAIT = 3050; // W, ms
// What the clients may notice; acknowledgements wait for every persister, and for a gateway until it is gone.
const LIMITS = {
    broker: { silence: NONE, delivery: NONE, ack: NONE },
    gateway: { silence: NONE, delivery: NONE, ack: 2700, reconnect: WAIT },
    persister: { silence: NONE, delivery: NONE },
};

faultTest("crash", async ({ cluster, phase, flow }) => {
    const brokers = namesOf(cluster, "broker");
    const isForgotten = async () => (await Promise.all(brokers.map((name) => cluster.metric(name, "live_gateways")))).every((n) => n === 1);

    /** Until the others have drawn all their conclusions; a newcomer gets in meanwhile. */
    const away = async (role, name) => {
        const newcomer = cluster.client({ user: "nuevo", gateway: name === "gateway-1" ? 2 : 1 });
        await newcomer.connect(3 * WAIT / 1000);
        newcomer.close();
        await (role === "gateway" ? waitFor("it is forgotten", isForgotten, 3 * 2.7) : sleep(WAIT * SCALE));
    };

    // Nothing is confirmed while a persister is frozen: all of that is delivered, and sent again to the next broker.
    for (const name of brokers.slice(0, FULL ? Infinity : 1)) {
        const { silence, delivery } = LIMITS.broker;
        await phase(`${name} is killed with many unconfirmed messages`, { limits: { silence, delivery } }, async (faults) => {
            const frozen = faults.freeze("persister-1", 1);
            await flow(20);
            await faults.crash(name);
            await Promise.all([frozen, faults.start(name)]);
        });
    }

    for (const role of ["broker", "gateway", "persister"]) {
        for (const name of namesOf(cluster, role).slice(0, FULL ? Infinity : 1)) {
            const allow = { limits: LIMITS[role], mayDisconnect: role === "gateway" ? [name] : [] };
            if (FULL || role === "persister") {
                await phase(`${name} is killed, and started at once`, allow, async (faults) => {
                    await faults.crash(name);
                    await faults.start(name);
                });
            }
            if (FULL || role === "gateway") {
                await phase(`${name} is killed, and started later`, allow, async (faults) => {
                    await faults.crash(name);
                    await away(role, name);
                    await faults.start(name);
                });
            }
        }
    }
});
