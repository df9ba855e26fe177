// docs/benchmarks.md and its plots, from the results of a comparison.
import { ROWS } from "./rows.mjs";
import { SYSTEMS } from "./systems.mjs";

const COLOURS = { socketio: "#8a94a6", redis: "#c2570c", roomcast: "#2563c9", routed: "#6ea3ff", floor: "#8fb996" };
const number = (value, digits = 0) =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const ran = (results) => ROWS.filter(({ name }) => results.rows[name]);

/** How many times better than Redis, whichever way is better. */
function ratio(row, reports, key) {
    const [ours, theirs] = [reports[key].measured[row.key], reports.redis.measured[row.key]];
    return row.more ? ours / theirs : theirs / ours;
}

/** How much of the floor a number is, whichever way is better. "" where none was measured. */
function ofFloor(row, reports, value) {
    const floor = reports.floor?.measured[row.key];
    return floor === undefined ? "" : `${number((row.more ? value / floor : floor / value) * 100)} %`;
}

function verdict(row, reports, key) {
    const absolute = row.absolute?.[key];
    const wanted = row.targets?.[key];
    if (absolute === undefined && wanted === undefined) {
        return "";
    }
    const theirs = reports.redis.measured[row.key], ours = reports[key].measured[row.key];
    const value = absolute ?? (row.more ? theirs * wanted : theirs / wanted);
    const target = absolute === undefined ? `${wanted} x` : `${number(absolute)} ${row.unit}`;
    const share = ofFloor(row, reports, value);
    const reached = row.more ? ours >= value : ours <= value;
    return `${target}${share && `, ${share} of the floor`}: ${reached ? "reached" : "not reached"}`;
}

/** Columns 2 to `words` - 1 are numbers. */
function table(head, words, lines) {
    const rule = head.map((_, i) => (i > 1 && i < words ? "---:" : "---"));
    return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function mainTable(results) {
    const lines = ran(results).flatMap((row) => {
        const reports = results.rows[row.name];
        return ["roomcast", ...(reports.routed ? ["routed"] : [])].map((key) => [
            row.name + (key === "routed" ? ", `durability = routed`" : ""), row.unit,
            ...["socketio", "redis", key].map((system) => number(reports[system].measured[row.key])),
            `${number(ratio(row, reports, key), 2)} x`, reports.floor ? number(reports.floor.measured[row.key]) : "",
            ofFloor(row, reports, reports[key].measured[row.key]), verdict(row, reports, key)]);
    });
    return table(["scenario (64-byte messages)", "unit", "Socket.IO", "Socket.IO + Redis", "Roomcast", "better than Redis", "floor",
        "of the floor", "target"], 8, lines);
}

/** What the floor is, when it was measured. */
function floorNote(results) {
    return ran(results).every(({ name }) => !results.rows[name].floor) ? "" : `
The floor is \`roomcast-floor\` (\`tests/load/floor\`): one process of one thread that verifies and stores nothing, so that it costs
what the kernel and the least of code cost. A message of Roomcast makes more hops: the sender's worker, the link loop of its gateway,
the broker, and from there the persister, and the link loop and the worker of the receiver's gateway. These hops are the price of the
cluster; the share of the floor that a target stands for says how much is left for them. What is not reached, and why:
[decisions/0017-floors.md](decisions/0017-floors.md).
`;
}

/** Microseconds of CPU a delivery, of the processes whose names begin so; in brackets those in the kernel. */
function costOf({ measured, servers }, role) {
    const those = servers.filter(({ name }) => name.startsWith(role));
    const deliveries = measured.delivered_per_second * measured.seconds;
    const us = (key) => those.reduce((sum, server) => sum + server[key], 0) * 1e6 / deliveries;
    return those.length === 0 ? "" : `${number(us("cpu_seconds"), 2)} (${number(us("system_seconds"), 2)})`;
}

function costTable(results) {
    const lines = ran(results).flatMap((row) => ["roomcast", "routed", "floor"].map((key) => [key, results.rows[row.name][key]])
        .filter(([, report]) => report?.delivery.count > 0 && report.servers)
        .map(([key, report]) => [row.name, SYSTEMS[key].name,
            ...["gateway", "broker", "persister", ""].map((role) => costOf(report, role))]));
    return lines.length === 0 ? "" : `
## Where the time goes

Microseconds of CPU a delivery, and in brackets how many of them in the kernel, which samples that.

${table(["scenario", "system", "gateways", "brokers", "persister", "together"], 6, lines)}
`;
}

function latencyTable(results) {
    const lines = ran(results).filter((row) => results.rows[row.name].redis.delivery.count > 0).flatMap((row) =>
        Object.entries(results.rows[row.name]).map(([key, { delivery, measured, oracle }]) => [row.name, SYSTEMS[key].name,
            number(measured.delivered_per_second), `${number(measured.server_cpu * 100)} %`,
            ...["p50", "p99", "p99.9"].map((at) => number(delivery[at], 1)), oracle.found.join(" ") || "nothing"]));
    return table(["scenario", "system", "deliveries/s", "server CPU", "p50 ms", "p99 ms", "p99.9 ms", "oracle found"], 7, lines);
}

/** A warning, when a system that was saturated did not get the processor that it had been given. */
function disturbance(results) {
    const shares = ran(results).filter(({ args }) => args.includes("--window"))
        .flatMap((row) => Object.entries(results.rows[row.name]))
        .filter(([key]) => key !== "floor") // it waits for the generator
        .map(([, { measured }]) => measured.server_cpu);
    const least = Math.min(...shares);
    return least > 0.85 ? "" : `
**The machine was not quiet**: saturated servers got as little as ${number(least * 100)} % of their processor.
The rest went to other programs, and a system of few processes then gets less of it than one of many: the latencies below, and
deliveries per second, say little. Numbers per second of CPU time stand, if less exactly.
`;
}

export function benchmarksPage(results) {
    return `# Benchmarks

Written by \`tests/load/compare\` on ${results.date}; ${results.cpu}, median of ${results.rounds} round${results.rounds === "1" ? "" : "s"} of ${results.seconds} s.
**Read the ratios, not the numbers**: they come from one run on one machine, in turns, and other machines have other numbers.
${disturbance(results)}
All processes of a system share one processor, and the generator has another. Deliveries are counted per second of the CPU time of
all processes of the system, Redis, brokers and persister included; the generator's does not count. Roomcast runs with 2 gateways,
3 brokers and 1 persister and stores every message before it acknowledges it; the others store nothing. Redis stands for npm's
\`socket.io\` on 2 nodes with \`@socket.io/redis-adapter\` and one \`redis-server\`.

${mainTable(results)}
${floorNote(results)}
![Deliveries per second of server CPU](benchmarks/throughput.svg)

## Latency

Saturated rows are closed loops: a message goes out when all copies of an earlier one have come, so that their latency is that of
a full queue. In the paced row the latency counts from when a message was due, also when the generator or the server was late.

${latencyTable(results)}

![99th percentile of delivery latency](benchmarks/latency.svg)
${costTable(results)}
## How to repeat it

\`\`\`sh
deploy/install-deps && apt-get install redis-server   # the service need not run
cmake --preset release && cmake --build --preset release
tests/load/compare --rounds 3                         # two processors, nothing else on them
\`\`\`

One row by hand, with the whole report and its plots:

\`\`\`sh
deploy/local-cluster up
build/bin/roomcast-bench admins --admins 1000 --users 64 --window 64 --cluster run/cluster/cluster.json --html report.html
\`\`\`

\`build/bin/roomcast-bench --help\` lists scenarios and options. It works against any Socket.IO v4 server that speaks the support chat
(\`--url\`, \`--secret_file\`, \`--pids\`); \`tests/load/reference/server.mjs\` is one. Its exit code is 1 when messages were lost, doubled or
reordered, acks refused or connections ended.

What a number of connections needs is in [capacity.md](capacity.md).
`;
}

/** Bars by row and system, on a logarithmic axis: what is compared are ratios. value(report): undefined where there is none. */
export function barPlot(results, title, value) {
    const bars = ran(results).flatMap((row) => Object.entries(results.rows[row.name]).map(([key, report]) =>
        ({ row: row.name, key, value: value(report) })).filter((bar) => bar.value > 0));
    if (bars.length === 0) {
        return '<svg xmlns="http://www.w3.org/2000/svg"/>\n';
    }
    const values = bars.map((bar) => bar.value);
    const [from, to] = [Math.floor(Math.log10(Math.min(...values)) - 0.3), Math.ceil(Math.log10(Math.max(...values)))];
    const x = (at) => 20 + (Math.log10(at) - from) / (to - from) * 640;
    let y = 62, last = "", body = "";
    for (const bar of bars) {
        if (bar.row !== last) {
            y += last ? 14 : 0;
            body += `<text x="20" y="${y + 13}" class="row">${bar.row}</text>\n`;
            y += 20;
            last = bar.row;
        }
        body += `<rect x="20" y="${y}" width="${(x(bar.value) - 20).toFixed(1)}" height="15" fill="${COLOURS[bar.key]}"/>` +
            `<text x="${(x(bar.value) + 6).toFixed(1)}" y="${y + 12}">${number(bar.value, bar.value < 100 ? 1 : 0)}</text>\n`;
        y += 18;
    }
    const used = Object.keys(SYSTEMS).filter((key) => bars.some((bar) => bar.key === key));
    const left = (i) => used.slice(0, i).reduce((sum, key) => sum + SYSTEMS[key].name.length * 6.5 + 38, 20);
    const legend = used.map((key, i) => `<rect x="${left(i)}" y="34" width="12" height="12" fill="${COLOURS[key]}"/>` +
        `<text x="${left(i) + 17}" y="45">${SYSTEMS[key].name}</text>`).join("\n");
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 ${y + 30}" width="760" height="${y + 30}">
<style>text{font:12px sans-serif;fill:#3c4556}.title{font-size:15px;font-weight:bold;fill:#1b2230}.row{fill:#1b2230}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="20" y="22" class="title">${title}</text>
${legend}
${body}<text x="20" y="${y + 20}">Logarithmic: equal lengths are equal ratios.</text>
</svg>
`;
}
