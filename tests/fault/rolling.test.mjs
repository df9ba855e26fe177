// Every node is restarted under load, one after the other, as for an upgrade: clients of a gateway that goes connect elsewhere by
// themselves, and nobody else notices.
import assert from "node:assert/strict";
import { faultTest, FULL, namesOf, NONE } from "./lib/faults.mjs";

// A drained broker may cost 60 ms; acknowledgements wait for every persister.
const LIMITS = {
    broker: { silence: 60, delivery: 60, ack: 60 },
    gateway: { silence: NONE, delivery: NONE, ack: NONE, reconnect: 3050 },
    persister: { silence: NONE, delivery: NONE },
};

faultTest("rolling restart", async ({ cluster, phase, load }) => {
    const drain = async (name) => {
        const { code, stdout, stderr } = await cluster.ctl("drain", name, "--wait");
        assert.equal(code, 0, stdout + stderr);
    };
    const terminate = (name) => cluster.kill(name, "TERM");

    for (const [what, end] of [["drained", drain], ...(FULL ? [["terminated", terminate]] : [])]) {
        for (const role of ["persister", "broker", "gateway"]) {
            for (const name of namesOf(cluster, role)) {
                let clients;
                const check = ({ disconnects }) => {
                    assert.deepEqual(disconnects.map(({ client }) => client).sort(), clients, "its clients went elsewhere, once");
                };
                const allow = { limits: LIMITS[role], mayDisconnect: [name], check };
                await phase(`${name} is ${role === "persister" ? "terminated" : what} and started again`, allow, async (faults) => {
                    clients = load.clientsAt(name);
                    await (role === "persister" ? terminate : end)(name);
                    await faults.start(name);
                });
            }
        }
    }
}, { mature: false }); // a drained broker itself waits until the others can do without it
