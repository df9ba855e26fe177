// roomcast-storecheck (tests/fault/powerloss): judges a store, or what power cuts leave of one, by what a load's clients know.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BIN, run } from "../../integration/lib/cluster.mjs";

/**
 * Writes what the clients know of the messages of a load (load.mjs) into a file: which were sent, and when each was
 * acknowledged, by the clock that the persister's journal has too.
 */
export function writeFacts(path, { messages }) {
    const epoch = process.hrtime.bigint() - BigInt(Math.round(performance.now() * 1e6));
    const lines = messages.map(({ from, n, answered, error }) => {
        const at = answered > 0 && error === null ? epoch + BigInt(Math.round(answered * 1e6)) : "-";
        return `${at} ${from} ${JSON.stringify({ n, from })}\n`;
    });
    writeFileSync(path, lines.join(""));
    return path;
}

/** The store in a directory that no process uses: {code, stdout, stderr}; code 0: it is good. */
export const checkStore = (dir, facts) => run(join(BIN, "roomcast-storecheck"), ["store", dir, facts]);

/** Power cuts; `dir` is empty. plant: "never" or "early", a fault that must be found. */
export function checkCuts(journal, dir, facts, { seed, count, plant }) {
    const args = ["cuts", journal, dir, facts, String(seed), String(count), ...(plant ? [plant] : [])];
    return run(join(BIN, "roomcast-storecheck"), args, { seconds: 600 });
}
