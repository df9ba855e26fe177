// The delivery path is held to a number of instructions a copy: unlike times they are the same on a busy machine. Kernel not
// included: what it costs is a system call a socket and pass, so the second figure is of passes with 64 messages.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BIN, run } from "../integration/lib/cluster.mjs";

const SOCKETS = 100;
const BOUNDS = [ // about a tenth above what it is
    { batch: 1, passes: [20, 120], most: 600 },
    { batch: 64, passes: [5, 25], most: 215 },
];

/** Instructions of the worker's thread over so many passes. */
async function instructions(dir, batch, passes, sockets = SOCKETS) {
    const out = join(dir, `${batch}-${passes}-${sockets}`);
    const { code, stdout, stderr } = await run("valgrind", ["--tool=callgrind", "--separate-threads=yes", `--callgrind-out-file=${out}`,
        join(BIN, "roomcast-fanout"), ...[sockets, batch * passes, batch].map(String)], { seconds: 120 });
    assert.equal(code, 0, stdout + stderr);
    return Number(/^totals: (\d+)$/m.exec(readFileSync(`${out}-02`, "utf8"))[1]);
}

for (const { batch, passes: [few, many], most } of BOUNDS) {
    test(`a copy of a delivery takes at most ${most} instructions, ${batch} to a pass`, async (t) => {
        const dir = mkdtempSync(join(tmpdir(), "roomcast-"));
        const [less, more] = [await instructions(dir, batch, few), await instructions(dir, batch, many)];
        rmSync(dir, { recursive: true, force: true });
        const each = (more - less) / ((many - few) * batch * SOCKETS); // what it takes to connect is in both
        t.diagnostic(`${each.toFixed(1)} instructions a copy`);
        assert.ok(each > 50, "the path was taken");
        assert.ok(each <= most, `${each.toFixed(1)} instructions a copy`);
    });
}

// From the accept to the end, by WebSocket and without a token: libjwt's and libcrypto's part is theirs.
const CONNECT = 39000; // a tenth above what it is
test(`a client that comes and goes takes at most ${CONNECT} instructions`, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "roomcast-"));
    const [less, more] = [await instructions(dir, 1, 1, 100), await instructions(dir, 1, 1, 300)];
    rmSync(dir, { recursive: true, force: true });
    const each = (more - less) / 200;
    t.diagnostic(`${each.toFixed(0)} instructions a client`);
    assert.ok(each > 5000, "the path was taken");
    assert.ok(each <= CONNECT, `${each.toFixed(0)} instructions a client`);
});

// Numbers of blocks, not of bytes: the pool (common/cluster/pool.h) has them all after the first passes.
for (const [batch, messages] of [[1, 4000], [64, 40000]]) {
    test(`deliveries ask for no memory in a steady state, ${batch} to a pass`, async (t) => {
        const { code, stdout, stderr } = await run(join(BIN, "roomcast-fanout"), [SOCKETS, messages, batch].map(String), { seconds: 120 });
        assert.equal(code, 0, stdout + stderr);
        const each = Number(/^([\d.]+) allocations a delivery$/m.exec(stdout)[1]);
        t.diagnostic(`${each} allocations a delivery with ${SOCKETS} copies`);
        assert.ok(each < 0.05, stdout);
    });
}
