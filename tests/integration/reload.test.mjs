// SIGHUP: what may change while a daemon runs is read again, the rest is named and kept.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { clusterTest } from "./lib/cluster.mjs";
import { waitFor } from "./lib/wait.mjs";

clusterTest("reload", { gateways: 1, brokers: 1, persisters: 1 }, async (cluster, step) => {
    for (const { name, config } of cluster.nodes) {
        await step(`${name} reads log.level again`, async () => {
            const text = readFileSync(config, "utf8").replace(/^level *=.*$/m, "");
            writeFileSync(config, `log.level = debug\n${text}`);
            process.kill(cluster.node(name).pid, "SIGHUP");
            await waitFor("it says so", () => / option-changed name=log\.level\n/.test(cluster.log(name)));
        });

        await step(`${name} keeps its level when the file is wrong`, async () => {
            appendFileSync(config, "\n[log]\nlevle = info\n");
            process.kill(cluster.node(name).pid, "SIGHUP");
            await waitFor("it says so", () => / reload-refused reason=.*log\.level/.test(cluster.log(name)));
        });
    }
});
