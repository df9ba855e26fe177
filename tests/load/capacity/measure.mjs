// The figures of docs/capacity.md: node tests/load/capacity/measure.mjs [rooms] [instructions] [mesh] [brokers] [idle] [latency] [admins] [sockets]
// Without a name: all. On a machine with nothing else to do. Clusters are started in a directory of their own and end with it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BIN, ROOT, freeBasePort, run } from "../../integration/lib/cluster.mjs";

const CAPACITY = join(BIN, "roomcast-capacity"), BENCH = join(BIN, "roomcast-bench");

async function must(program, args, seconds) {
    const { code, stdout, stderr } = await run(program, args, { seconds });
    if (code) {
        throw new Error(`${program} ${args.join(" ")}: exit code ${code}\n${stdout}${stderr}`);
    }
    return stdout;
}

async function withCluster(args, body) {
    const dir = mkdtempSync(join(tmpdir(), "roomcast-")), cluster = join(ROOT, "deploy/local-cluster");
    try {
        await must(cluster, ["up", "--dir", dir, "--base-port", String(await freeBasePort()), ...args], 60);
        return await body(JSON.parse(readFileSync(join(dir, "cluster.json"))).nodes, join(dir, "cluster.json"));
    } finally {
        await run(cluster, ["down", "--dir", dir], { seconds: 60 });
        rmSync(dir, { recursive: true, force: true });
    }
}

const bench = async (file, ...args) => JSON.parse(await must(BENCH, [...args, "--cluster", file, "-o", "json"], 300));

/** CPU seconds used so far; the kernel counts 100 ticks a second. */
function cpu(node) {
    const field = readFileSync(`/proc/${node.pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(field[11]) + Number(field[12])) / 100;
}

async function emits(node) {
    const text = await (await fetch(`http://${node.admin}/metrics`)).text();
    return Number(/^roomcast_broker_emits_total(?:\{.*\})? (\d+)/m.exec(text)[1]);
}

const sum = (list) => list.reduce((a, b) => a + b, 0);

async function brokers() {
    for (const n of [1, 2, 4]) {
        await withCluster(["--brokers", n, "--persisters", "0", "--set", "broker.store.durability=routed",
            "--set", "gateway.workers=1"].map(String), async (nodes, file) => {
            const them = nodes.filter(({ role }) => role === "broker");
            const running = bench(file, "direct", "--users", "2000", "--window", "500", "--seconds", "12");
            await sleep(5000);
            const before = [them.map(cpu), await Promise.all(them.map(emits))];
            await sleep(8000);
            const used = them.map((node, i) => cpu(node) - before[0][i]);
            const routed = (await Promise.all(them.map(emits))).map((count, i) => count - before[1][i]);
            await running;
            console.log(`${n} brokers: ${Math.round(sum(routed) / 8)} emits/s, ${Math.round(sum(routed) / sum(used))} emits and as many`
                + ` deliveries per broker-CPU second, busiest broker ${(Math.max(...routed) / (sum(routed) / n)).toFixed(2)} of the mean`);
        });
    }
}

const ms = (h) => `p50 ${h.p50.toFixed(1)} p99 ${h.p99.toFixed(1)} p99.9 ${h["p99.9"].toFixed(1)} ms`;

function print(what, { measured, delivery, first_to_last: span, oracle }) {
    console.log(`${what}: ${Math.round(measured.sent_per_second)} messages/s, ${Math.round(measured.delivered_per_second)} copies/s,`
        + ` server CPU ${(measured.server_cpu * 100).toFixed(0)} %, delivery ${ms(delivery)}`
        + (span.count ? `, first to last copy ${ms(span)}` : "") + `, oracle found ${oracle.found.join(" ") || "nothing"}`);
    return measured.sent_per_second;
}

async function latency() {
    await withCluster([], async (_, file) => {
        for (const [name, saturate, pace] of [["direct", ["--users", "200", "--window", "200"], ["--users", "200"]],
            ["admins", ["--admins", "1000", "--users", "64", "--window", "64"], ["--admins", "1000", "--users", "64"]]]) {
            const full = print(`${name}, saturated`, await bench(file, name, ...saturate));
            print(`${name}, half of it`, await bench(file, name, ...pace, "--rate", String(Math.round(full / 2))));
        }
    });
}

async function admins() {
    await withCluster(["--gateways", "4", "--set", "gateway.workers=1"], async (_, file) => {
        for (const rate of [10, 20, 50, 70, 100]) {
            const result = await bench(file, "admins", "--admins", "10000", "--users", "20", "--rate", String(rate), "--workers", "2",
                "--connect_pending", "64", "--seconds", "8", "--allow", "unconnected");
            print(`10,000 admins on 4 gateways, ${rate} messages/s`, result);
            console.log(`  median latency at the end ${result.measured.drift_p50.toFixed(2)} times that at the begin`);
            if (result.delivery.p50 > 2000) {
                break; // it fell behind
            }
        }
    });
}

/** A broker at rest: what its heartbeats with a gateway cost as a process, with kernel and threads of nng. */
async function idle() {
    for (const gateways of [2, 12]) {
        await withCluster(["--gateways", gateways, "--brokers", "1", "--persisters", "0", "--set", "gateway.workers=1",
            "--set", "broker.store.durability=routed"].map(String), async (nodes) => {
            const broker = nodes.find(({ role }) => role === "broker"), before = cpu(broker);
            await sleep(10000);
            console.log(`${gateways} gateways, at rest: broker ${((cpu(broker) - before) * 10).toFixed(2)} % of a processor`);
        });
    }
}

/** Kernel memory of a connection, both ends of it on this machine. */
async function sockets() {
    const slab = () => Object.fromEntries(readFileSync("/proc/meminfo", "utf8").split("\n").map((line) => line.split(/:? +/))
        .map(([key, kb]) => [key, Number(kb)])).Slab;
    await withCluster(["--brokers", "1", "--persisters", "0", "--set", "broker.store.durability=routed"], async (_, file) => {
        const before = slab(), count = 8000;
        const running = bench(file, "idle", "--users", String(count), "--seconds", "6");
        let most = before;
        for (let i = 0; i < 100; i++) {
            await Promise.race([running, sleep(200)]);
            most = Math.max(most, slab());
        }
        const { measured } = await running;
        console.log(`kernel: ${Math.round((most - before) * 1024 / count)} bytes of slab a connection, both ends of it; gateway:`
            + ` ${Math.round(measured.connection_anonymous_bytes)} bytes, ${measured.connection_cpu_us_per_second.toFixed(2)} us of CPU a second`);
    });
}

async function instructions() {
    for (const rooms of [1000, 10000, 100000]) {
        const of = async (emits) => {
            const out = await run("valgrind", ["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=rc_broker_receive",
                CAPACITY, "rooms", String(rooms), String(emits)], { seconds: 300 });
            return Number(/Collected : (\d+)/.exec(out.stderr)[1]);
        };
        const [few, many] = [await of(2000), await of(12000)];
        console.log(`${rooms} rooms: ${((many - few) / 10000).toFixed(0)} instructions of the broker's core a message`);
    }
}

const capacity = (...args) => must(CAPACITY, args.map(String), 900);
const PARTS = {
    rooms: async () => {
        for (const n of [1e3, 1e4, 1e5, 1e6]) {
            console.log(await capacity("rooms", n));
        }
    },
    instructions,
    mesh: async () => {
        for (const [g, b] of [[20, 3], [200, 3], [20, 16], [200, 16]]) {
            console.log(await capacity("mesh", g, b, 10, "free"));
        }
        console.log(await capacity("mesh", 20, 3, 100000));
    },
    brokers, idle, latency, admins, sockets,
};

const names = process.argv.slice(2);
const unknown = names.find((name) => !PARTS[name]);
if (unknown) {
    console.error(`measure: there is no part ${unknown}; there are ${Object.keys(PARTS).join(", ")}`);
    process.exit(64);
}
console.log(execFileSync("git", ["-C", ROOT, "describe", "--always", "--dirty"], { encoding: "utf8" }).trim());
for (const name of names.length ? names : Object.keys(PARTS)) {
    console.log(`\n== ${name}`);
    await PARTS[name]();
}
