/*
 * Two nodes of different roles fail at once, killed or frozen. That may cost time, connections and answers; what must hold is that
 * nothing comes out of order or twice, and that nothing is lost which was acknowledged, or whose sender and receiver stayed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { SCALE } from "../integration/lib/wait.mjs";
import { faultTest } from "./lib/faults.mjs";

const PAIRS = [["broker-1", "gateway-1"], ["broker-2", "persister-1"], ["gateway-2", "persister-2"]];
const WAYS = [["killed", "killed"], ["frozen", "frozen"], ["killed", "frozen"], ["frozen", "killed"]];
const SECONDS = 2; // longer than S and L_g, shorter than L_d

faultTest("pairs", async ({ phase, flow }) => {
    for (const pair of PAIRS) {
        for (const ways of WAYS) {
            const title = pair.map((name, i) => `${name} is ${ways[i]}`).join(" while ");
            await phase(title, { mayDisconnect: () => true, mayFail: true }, async (faults) => {
                await Promise.all(pair.map(async (name, i) => {
                    if (ways[i] === "frozen") {
                        return faults.freeze(name, SECONDS);
                    }
                    if (ways.includes("frozen")) {
                        await flow(20); // that the other has begun to be missed
                    }
                    await faults.crash(name);
                    await sleep(SECONDS * 1000 * SCALE);
                    return faults.start(name);
                }));
            });
        }
    }
});
