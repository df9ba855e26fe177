// Every node in turn dies by SIGKILL under load, and is started again (docs/protocol.md 12).
import { faultTest, FULL, namesOf, NONE } from "./lib/faults.mjs";

// What the other clients may notice; an acknowledgement waits for all persisters, and for gateways until they are gone.
const LIMITS = {
    broker: { silence: NONE, delivery: NONE, ack: NONE },
    gateway: { silence: NONE, delivery: NONE, ack: 2700, reconnect: 3050 },
    persister: { silence: NONE, delivery: NONE },
};
const AWAY = 1000; // ms that a node is away; restarting takes its time too

faultTest("crash", async ({ cluster, phase, load }) => {
    for (const role of ["broker", "gateway", "persister"]) {
        for (const name of namesOf(cluster, role).slice(0, FULL ? Infinity : 1)) {
            const allow = { limits: LIMITS[role], mayDisconnect: role === "gateway" ? [name] : [] };
            await phase(`${name} is killed, and started again`, allow, async (faults) => {
                await faults.crash(name);
                await faults.start(name);
            });
        }
    }
});
