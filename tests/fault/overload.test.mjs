// Overload is no fault: with every processor busy no node is taken for dead, no gateway fences, no session ends.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { faultTest } from "./lib/faults.mjs";

const SECONDS = 15;

const burners = new Set();
process.on("exit", () => burners.forEach((burner) => burner.kill("SIGKILL")));

/** Keeps every processor busy while work runs, with processes as important as the daemons. */
async function burn(work) {
    for (let i = 0; i < cpus().length; i++) {
        burners.add(spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
    }
    try {
        await work();
    } finally {
        await Promise.all([...burners].map((burner) => new Promise((gone) => burner.on("exit", gone).kill("SIGKILL"))));
        burners.clear();
    }
}

faultTest("overload", async ({ cluster, phase }) => {
    /** Of all nodes: sessions ever opened, gateways taken for gone, fences, changes of a broker's state. */
    const marks = async () => Object.fromEntries(await Promise.all(cluster.nodes.map(async ({ name }) => {
        const { metrics } = await cluster.status(name);
        const { link_proven_total: sessions, gateways_gone_total: gone, fences_total: fences, state_changes_total: states } = metrics;
        return [name, { sessions, gone, fences, states }];
    })));
    let before;
    const check = async () => assert.deepEqual(await marks(), before);
    await phase(`every processor is busy for ${SECONDS} s`, { check }, async () => {
        before = await marks();
        await burn(() => sleep(SECONDS * 1000));
    });
});
