// Networks of tests leave nothing behind, whatever ends the test; and what is killed too hard to clean up, the next one removes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { waitFor, within } from "../integration/lib/wait.mjs";

const PLAY = `
    import { enterNetwork } from ${JSON.stringify(new URL("lib/netns.mjs", import.meta.url))};
    const net = await enterNetwork({ gateways: 1, brokers: 1, persisters: 1 });
    console.log(net.reason ?? "inside " + process.pid);
    setInterval(() => {}, net.reason ? 1 : 1000);
`;

const started = [];

/** A test that is inside its network: {process, inner: pid of the one inside, reason: null or why there is no network}. */
async function play() {
    const process = spawn("node", ["--input-type=module", "-e", PLAY], { stdio: ["ignore", "pipe", "inherit"] });
    started.push(process);
    const [said] = await within("a network", once(process.stdout.setEncoding("utf8"), "data"), 20);
    const inner = /^inside (\d+)/.exec(said)?.[1];
    return { process, inner, reason: inner ? null : said.trim() };
}

const namespacesOf = ({ process }) => readdirSync("/run/netns").filter((name) => name.startsWith(`roomcast-${process.pid}-`));

async function end(played, signal) {
    played.process.kill(signal);
    await within("its end", once(played.process, "exit"), 40);
}

const isGone = ({ inner }) => waitFor("what ran in the network is gone", () => !existsSync(`/proc/${inner}`), 5);

test("netns", async (t) => {
    t.after(() => started.forEach((process) => process.kill("SIGTERM")));
    const first = await play();
    if (first.reason) {
        await end(first, "SIGKILL");
        t.skip(first.reason);
        return;
    }
    assert.equal(namespacesOf(first).length, 5, "the hub, the clients, and three nodes");
    await end(first, "SIGKILL");
    assert.equal(namespacesOf(first).length, 5, "nobody could remove them");

    const second = await play();
    assert.deepEqual(namespacesOf(first), [], "the next one removes them");
    await isGone(first);
    assert.equal(namespacesOf(second).length, 5);
    for (const [played, signal] of [[second, "SIGTERM"], [await play(), "SIGINT"]]) {
        await end(played, signal);
        assert.deepEqual(namespacesOf(played), [], signal);
        await isGone(played);
    }
});
