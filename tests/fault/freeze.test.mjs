// Every role is frozen under load by SIGSTOP, for times below and above those of the protocol, and goes on.
import assert from "node:assert/strict";
import { faultTest, namesOf, NONE, selected } from "./lib/faults.mjs";

const SECONDS = [0.3, 1.2, 2, 4, 8];
const [SESSION, LEASE, WAIT] = [1, 1.5, 3.05]; // S, L_g, W; at 1.2 s a gateway may have lost its lease on waking, or not

/** What the clients may notice of it: see docs/protocol.md 12. */
function limitsOf(role, seconds) {
    const all = (ms) => ({ silence: ms, delivery: ms, ack: ms });
    if (role === "persister") {
        return { silence: NONE, delivery: NONE, ack: 1000 * seconds };
    }
    if (seconds < SESSION) {
        return all(1000 * seconds);
    }
    return role === "broker" ? all(1500) : { silence: NONE, delivery: NONE, ack: 2700, reconnect: 1000 * WAIT };
}

const phases = ["broker", "gateway", "persister"].flatMap((role) => SECONDS.map((seconds) => ({ role, seconds })));

faultTest("freeze", async ({ cluster, phase, load }) => {
    for (const { role, seconds } of selected(phases, (one) => one.seconds === 2 && one.role !== "persister")) {
        const [name] = namesOf(cluster, role);
        const mayGo = role === "gateway" && seconds > SESSION;
        let clients, changes;

        const check = async ({ disconnects }) => {
            if (role === "gateway" && seconds > LEASE) {
                assert.deepEqual(disconnects.map(({ client }) => client).sort(), clients, "all its clients are closed, once");
            }
            if (role === "broker" && seconds > SESSION) {
                assert.ok(await cluster.metric(name, "state_changes_total") > changes, "it was unfit on waking");
            }
        };
        const allow = { limits: limitsOf(role, seconds), mayDisconnect: mayGo ? [name] : [], leaveOut: mayGo ? [name] : [], check };
        await phase(`${name} is frozen for ${seconds} s`, allow, async (faults) => {
            clients = load.clientsAt(name);
            changes = role === "broker" && await cluster.metric(name, "state_changes_total");
            const frozen = faults.freeze(name, seconds);
            if (role === "broker" && seconds > SESSION) {
                const newcomer = cluster.client({ user: "nuevo", gateway: 1 });
                await newcomer.connect(3 * (SESSION + WAIT));
                newcomer.close();
            }
            await frozen;
        });
    }
});
