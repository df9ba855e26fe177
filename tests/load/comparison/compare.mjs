// The same scenarios against Roomcast, npm's Socket.IO, and npm's Socket.IO with its Redis adapter, in turns in one run; writes
// docs/benchmarks.md and its plots. Servers share one processor, the generator has another.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { benchmarksPage, barPlot } from "./page.mjs";
import { ROWS } from "./rows.mjs";
import { BIN, pinned, ROOT, SYSTEMS } from "./systems.mjs";

const HELP = `usage: tests/load/compare [--seconds 10] [--rounds 1] [--servers-cpu 0] [--generator-cpu 1] [--only TEXT]
                          [--out docs/benchmarks.md] [--results FILE.json] [--render FILE.json]

Runs each row against each system, --rounds times, and takes the median. Nothing else should run on the machine.
--only     rows whose name contains TEXT
--results  keeps the reports of roomcast-bench there
--render   writes the page from such a file, without running anything
Needs redis-server (Debian's package of that name), npm packages (deploy/install-deps) and two processors.
`;
const { values: options } = parseArgs({ options: {
    seconds: { type: "string", default: "10" }, rounds: { type: "string", default: "1" },
    "servers-cpu": { type: "string", default: "0" }, "generator-cpu": { type: "string", default: "1" },
    only: { type: "string", default: "" }, out: { type: "string", default: join(ROOT, "docs/benchmarks.md") },
    results: { type: "string" }, render: { type: "string" }, help: { type: "boolean", default: false },
} });
const BENCH = join(BIN, "roomcast-bench");

const PATIENT = ["--patience", "20000"]; // a slow server is not a lossy one

/** The report of one run; what the oracle found is in it, and does not stop the comparison. */
function bench(args) {
    const [program, ...rest] = pinned(options["generator-cpu"], BENCH, ...args, "-o", "json");
    return new Promise((done, reject) => {
        execFile(program, rest, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
            if (error && error.code !== 1) {
                reject(new Error(`roomcast-bench ${args.join(" ")} ended with ${error.code}: ${stderr}`));
            } else {
                done(JSON.parse(stdout));
            }
        });
    });
}

let running = null; // the system that would be left behind
for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, async () => {
        await running?.stop();
        process.exit(130);
    });
}

async function runOne(row, key) {
    const system = await SYSTEMS[key].start(options["servers-cpu"]);
    running = system;
    try {
        const timed = row.args.includes("--seconds") ? [] : ["--seconds", row.args[0] === "connect" ? "0" : options.seconds];
        const { samples, ...report } = await bench([...row.args, ...timed, ...PATIENT, ...system.args]);
        return report;
    } finally {
        running = null;
        await system.stop();
    }
}

/** The report with the median number. */
function median(reports, key) {
    return reports.toSorted((a, b) => a.measured[key] - b.measured[key])[Math.floor((reports.length - 1) / 2)];
}

async function runRow(row) {
    const systems = ["socketio", "redis", "roomcast", ...["routed", "floor"].filter((key) => row[key])];
    const reports = Object.fromEntries(systems.map((key) => [key, []]));
    for (let round = 0; round < Number(options.rounds); round++) {
        for (const key of systems) {
            const report = await runOne(row, key);
            reports[key].push(report);
            const found = report.oracle.found.length ? `; found: ${report.oracle.found.join(" ")}` : "";
            const { count, p50, p99 } = report.delivery;
            const latency = count > 0 ? `, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms` : "";
            console.log(`${row.name}: ${SYSTEMS[key].name}: ${Math.round(report.measured[row.key])} ${row.unit}${latency}${found}`);
        }
    }
    return Object.fromEntries(systems.map((key) => [key, median(reports[key], row.key)]));
}

function keep(results) {
    if (options.results) {
        writeFileSync(options.results, JSON.stringify(results, null, 1));
    }
}

async function collect() {
    const date = new Date().toISOString().slice(0, 10);
    const results = { cpu: cpus()[0].model, date, seconds: options.seconds, rounds: options.rounds, rows: {} };
    for (const row of ROWS.filter(({ name }) => name.includes(options.only))) {
        results.rows[row.name] = await runRow(row);
        keep(results); // an hour's work should not be lost to the last row
    }
    return results;
}

async function main() {
    if (!options.render && availableParallelism() < 2) {
        throw new Error("one processor is not enough: servers and generator need one each");
    }
    const results = options.render ? JSON.parse(readFileSync(options.render, "utf8")) : await collect();
    const plots = join(dirname(options.out), "benchmarks");
    mkdirSync(plots, { recursive: true });
    writeFileSync(options.out, benchmarksPage(results));
    writeFileSync(join(plots, "throughput.svg"), barPlot(results, "Deliveries per second of server CPU",
        ({ measured }) => measured.delivered_per_cpu_second));
    writeFileSync(join(plots, "latency.svg"), barPlot(results, "99th percentile of delivery latency, ms",
        ({ delivery }) => (delivery.count > 0 ? delivery.p99 : undefined)));
    console.log(`wrote ${options.out}`);
}

if (options.help) {
    process.stdout.write(HELP);
} else {
    await main().catch((error) => {
        console.error(`compare: ${error.message}`);
        process.exitCode = 69;
    });
}
