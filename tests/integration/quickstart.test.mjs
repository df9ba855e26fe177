// deploy/quickstart on a machine where everything is installed: up, demo, second run, Ctrl-C.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BIN, freeBasePort, makeDirectory, ROOT, run } from "./lib/cluster.mjs";
import { httpGet } from "./lib/client.mjs";
import { waitFor, within } from "./lib/wait.mjs";

// It always builds and runs the release programs, so that another run of this file would show nothing new.
const skip = BIN !== join(ROOT, "build/bin") && "tests the release build only";

test("quickstart", { skip }, async (t) => {
    const dir = makeDirectory();
    const basePort = await freeBasePort();
    const quickstart = join(ROOT, "deploy/quickstart");
    const args = ["--dir", dir, "--base-port", String(basePort)];
    const nodes = () => JSON.parse(readFileSync(join(dir, "cluster.json"))).nodes;
    try {
        await t.test("--detach starts everything and says where it is", async () => {
            const { code, stdout, stderr } = await run(quickstart, [...args, "--detach"], { seconds: 300 });
            assert.equal(code, 0, stdout + stderr);
            assert.deepEqual(nodes().map(({ name }) => name),
                ["gateway-1", "gateway-2", "broker-1", "broker-2", "broker-3", "persister-1"]);
            const pages = stdout.match(/http:\S+\/demo/g);
            assert.deepEqual(pages, [0, 1].map((n) => `http://127.0.0.1:${basePort + n}/demo`));
            for (const page of pages) {
                assert.equal((await httpGet(page)).status, 200);
            }
            const command = /(\S*roomcastctl) --cluster (\S+) status/.exec(stdout);
            assert.equal((await run(command[1], ["--cluster", command[2], "status"])).code, 0);
            assert.match(stdout, /local-cluster down --dir /);
        });

        await t.test("a second run leaves the running cluster alone", async () => {
            const before = nodes();
            const { code, stdout } = await run(quickstart, [...args, "--detach"]);
            assert.equal(code, 0);
            assert.match(stdout, /runs already/);
            assert.deepEqual(nodes(), before);
            assert.equal((await run(join(ROOT, "deploy/local-cluster"), ["down", "--dir", dir])).code, 0);
        });

        await t.test("without --detach it follows the logs until Ctrl-C", async () => {
            const secret = readFileSync(join(dir, "jwt.secret"), "utf8");
            const child = spawn(quickstart, args, { stdio: ["ignore", "pipe", "inherit"], detached: true });
            let output = "";
            child.stdout.setEncoding("utf8").on("data", (text) => { output += text; });
            await waitFor("the log of a gateway is shown", () => /Ctrl-C[^]*ready/.test(output), 60);
            const pids = nodes().map(({ pid }) => pid);
            assert.equal(readFileSync(join(dir, "jwt.secret"), "utf8"), secret, "secrets are kept");
            process.kill(-child.pid, "SIGINT"); // as a terminal does: to all of its process group
            await within("quickstart ends", once(child, "exit"), 30);
            assert.match(output, /6 nodes stopped/);
            for (const pid of pids) {
                assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
            }
        });
    } finally {
        await run(join(ROOT, "deploy/local-cluster"), ["down", "--dir", dir]);
        rmSync(dir, { recursive: true, force: true });
    }
});

test("quickstart refuses what it does not know", async () => {
    const { code, stderr } = await run(join(ROOT, "deploy/quickstart"), ["--nix"]);
    assert.equal(code, 64);
    assert.match(stderr, /unknown option --nix/);
});
