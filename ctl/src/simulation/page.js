"use strict";

// Draws the data of the page: per scenario a table, then per controller latency, sub-network and processor of each app and
// clocks, power and temperature of the board over time.

const data = JSON.parse(document.getElementById("data").textContent);

// The drawing, in units of the SVG: a margin for labels left, then panels one below the other.
const LEFT = 84, RIGHT = 8, WIDTH = 1000, GAP = 22;

// Latencies beyond this multiple of the largest target are drawn at the upper edge.
const CLIP = 2;

const FIGURES = [
  ["cost", "cost", (v) => v.toFixed(3)],
  ["regret_share", "regret", (v) => (100 * v).toFixed(1) + " %"],
  ["misses", "missed", (v) => (100 * v).toFixed(1) + " %"],
  ["late_until_met", "late until met", (v) => v.toFixed(0)],
  ["quality", "quality", (v) => v.toFixed(4)],
  ["energy_j", "energy, J", (v) => v.toFixed(1)],
  ["power_w", "power, W", (v) => v.toFixed(2)],
  ["p50_ms", "p50, ms", (v) => v.toFixed(1)],
  ["p95_ms", "p95, ms", (v) => v.toFixed(1)],
  ["p99_ms", "p99, ms", (v) => v.toFixed(1)],
  ["switches", "switches", (v) => v.toFixed(0)],
  ["max_temp_c", "hottest, °C", (v) => v.toFixed(1)],
];

const escaped = (text) =>
  String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const fixed = (value) => value.toFixed(1);
const label = (at, y, text, anchor = "end", kind = "") =>
  `<text x="${fixed(at)}" y="${fixed(y)}" text-anchor="${anchor}" class="${kind}">${escaped(text)}</text>`;
const line = (x1, y1, x2, y2, kind) => `<path class="${kind}" d="M${fixed(x1)} ${fixed(y1)}L${fixed(x2)} ${fixed(y2)}"/>`;

function table(scenario) {
  const head = FIGURES.map(([, name]) => `<th>${escaped(name)}</th>`).join("");
  const rows = scenario.order.map((name) => {
    const controller = scenario.controllers[name];
    const cells = FIGURES.map(([key, , shown]) => {
      const spread = controller[key];
      if (!spread || spread.median === null) return "<td>-</td>";
      return `<td>${shown(spread.median)}<br><small>${shown(spread.min)} … ${shown(spread.max)}</small></td>`;
    });
    return `<tr class="${name === "dynd" ? "us" : ""}"><td>${escaped(name)}</td>${cells.join("")}</tr>`;
  });
  return `<div class="wide"><table><thead><tr><th>controller</th>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

function figures(scenario) {
  const items = scenario.figures.map(
    (each) => `<li>${escaped(each.app)}: ${escaped(each.model)} on ${escaped(each.processor)}, <b>${escaped(each.evidence)}</b>: ${escaped(each.source)}</li>`,
  );
  return `<details><summary>where the latencies come from</summary><ul>${items.join("")}</ul></details>`;
}

// A line that jumps where `values` change.
function steps(times, values, x, y, color) {
  let path = "", last = null;
  times.forEach((time, index) => {
    const value = values[index];
    if (value === null) return;
    path += last === null ? `M${fixed(x(time))} ${fixed(y(value))}` : `H${fixed(x(time))}`;
    if (last !== null && value !== last) path += `V${fixed(y(value))}`;
    last = value;
  });
  return `<path class="series" style="stroke: var(--c${color % 5})" d="${path}"/>`;
}

function latencyPanel(timeline, name, top, height, x) {
  const limit = CLIP * timeline.target_ms.reduce((most, each) => Math.max(most, each), 0);
  const y = (ms) => top + height * (1 - Math.min(ms, limit) / limit);
  let good = "", bad = "";
  timeline.release_s.forEach((release, index) => {
    const ms = timeline.latency_ms[index], at = x(release);
    if (ms === null) bad += `M${fixed(at)} ${top}v7`;
    else if (ms <= timeline.target_ms[index]) good += `M${fixed(at)} ${fixed(y(ms))}h0`;
    else bad += `M${fixed(at - 2)} ${fixed(y(ms) - 2)}l4 4m0 -4l-4 4`;
  });
  const target = steps(timeline.release_s, timeline.target_ms, x, y, 0).replace(/class="series" style="[^"]*"/, 'class="target"');
  return (
    label(LEFT - 6, top - 6, `${name}, ms`, "end", "name") + label(LEFT - 6, y(0) + 4, "0") + label(LEFT - 6, y(limit / 2) + 4, fixed(limit / 2)) +
    line(LEFT, top + height, WIDTH - RIGHT, top + height, "axis") + target + `<path class="good" d="${good}"/><path class="bad" d="${bad}"/>`
  );
}

function namesPanel(times, values, names, top, height, x, color) {
  const used = names.map((name, index) => [name, index]).filter(([, index]) => values.includes(index));
  const y = (index) => {
    const rank = used.findIndex(([, each]) => each === index);
    return top + height - 5 - (rank / Math.max(used.length - 1, 1)) * (height - 10);
  };
  return used.map(([name, index]) => label(LEFT - 6, y(index) + 4, name)).join("") +
    line(LEFT, top + height, WIDTH - RIGHT, top + height, "axis") + steps(times, values, x, y, color);
}

function numbersPanel(times, series, names, unit, top, height, x) {
  const all = series.flat();
  const most = all.reduce((a, b) => Math.max(a, b), 0) || 1;
  const least = unit === "°C" ? all.reduce((a, b) => Math.min(a, b), most) : 0;
  const y = (value) => top + height - 3 - ((value - least) / (most - least || 1)) * (height - 6);
  const keys = names.map((name, index) => `<tspan style="fill: var(--c${index % 5})">${escaped(name)} </tspan>`).join("");
  return label(LEFT - 6, y(most) + 4, `${Math.round(most)} ${unit}`) + label(LEFT - 6, y(least) + 4, Math.round(least)) +
    `<text x="${LEFT + 4}" y="${top - 4}">${keys}</text>` + line(LEFT, top + height, WIDTH - RIGHT, top + height, "axis") +
    series.map((values, index) => steps(times, values, x, y, index)).join("");
}

function drawing(scenario, runs, controller) {
  const end = scenario.seconds;
  const x = (seconds) => LEFT + (seconds / end) * (WIDTH - LEFT - RIGHT);
  let top = GAP, drawn = "";
  const place = (height, draw) => { drawn += draw(top, height); top += height + GAP; };
  controller.apps.forEach((timeline, index) => {
    const app = runs.apps[index];
    place(110, (top, height) => latencyPanel(timeline, app.name, top, height, x));
    place(18 + 12 * Math.min(app.subnetworks.length, 6), (top, height) => namesPanel(timeline.release_s, timeline.subnetwork, app.subnetworks, top, height, x, 0));
    place(36, (top, height) => namesPanel(timeline.release_s, timeline.processor, runs.processors, top, height, x, 2));
  });
  place(70, (top, height) => numbersPanel(controller.at_s, controller.mhz, runs.processors, "MHz", top, height, x));
  place(50, (top, height) => numbersPanel(controller.at_s, [controller.watts], ["power"], "W", top, height, x));
  place(50, (top, height) => numbersPanel(controller.at_s, [controller.celsius], ["hottest part"], "°C", top, height, x));
  const events = runs.disturbances_s.map((at) => line(x(at), GAP, x(at), top - GAP, "event")).join("");
  const step = [1, 2, 5, 10, 20, 60].find((step) => end / step <= 16) || 300;
  let axis = "";
  for (let second = 0; second <= end; second += step) axis += label(x(second), top, second, "middle");
  axis += label((LEFT + WIDTH) / 2, top + 15, "time, s", "middle");
  const title = `${scenario.name} under ${controller.name}: latency, sub-network, processor, clocks, power and temperature over time`;
  return `<svg viewBox="0 0 ${WIDTH} ${top + 20}" role="img" aria-label="${escaped(title)}"><title>${escaped(title)}</title>${events}${drawn}${axis}</svg>`;
}

document.getElementById("scenarios").innerHTML = data.report.scenarios
  .map((scenario, index) => {
    const runs = data.runs[index];
    const blocks = runs.controllers.map((controller, at) =>
      `<details ${controller.name === "dynd" ? "open" : ""} data-run="${index},${at}"><summary><b>${escaped(controller.name)}</b></summary><div></div></details>`);
    return `<h2>${escaped(scenario.name)}</h2><p>${escaped(scenario.title)}. <span class="faint">${escaped(scenario.board)}, ${escaped(scenario.objective)}, ${scenario.seconds} s, ${scenario.seeds} seeds. ${escaped(scenario.source)}.</span></p>` +
      table(scenario) + figures(scenario) + blocks.join("");
  })
  .join("");

// Drawn when looked at.
for (const block of document.querySelectorAll("details[data-run]")) {
  const draw = () => {
    const [index, at] = block.dataset.run.split(",").map(Number);
    const into = block.querySelector("div");
    if (block.open && !into.innerHTML) into.innerHTML = drawing(data.report.scenarios[index], data.runs[index], data.runs[index].controllers[at]);
  };
  block.addEventListener("toggle", draw);
  draw();
}
