"use strict";

// Draws the data of the page: per way and app latency, sub-network and cores over time, then the tables.

const data = JSON.parse(document.getElementById("data").textContent);
const end = data.phases[data.phases.length - 1].end_s;

// The drawing, in units of the SVG: a margin for labels left, then three panels one below the other.
const LEFT = 74, RIGHT = 8, WIDTH = 1000;
const LATENCY = { top: 22, height: 150 };
const SUBNETWORK = { top: 186, height: 56 };
const CORES = { top: 256, height: 30 };
const BOTTOM = CORES.top + CORES.height;
const HEIGHT = BOTTOM + 34;

// Latencies beyond this multiple of the target are drawn at the upper edge.
const CLIP = 3;

const escaped = (text) =>
  String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const x = (seconds) => LEFT + (seconds / end) * (WIDTH - LEFT - RIGHT);
const fixed = (value) => value.toFixed(1);
const label = (at, y, text, anchor = "end", kind = "") =>
  `<text x="${fixed(at)}" y="${fixed(y)}" text-anchor="${anchor}" class="${kind}">${escaped(text)}</text>`;
const line = (x1, y1, x2, y2, kind) => `<path class="${kind}" d="M${fixed(x1)} ${fixed(y1)}L${fixed(x2)} ${fixed(y2)}"/>`;

function phases() {
  return data.phases
    .map((phase, index) => {
      const [from, to] = [x(phase.start_s), x(phase.end_s)];
      const load = Math.min(data.loads[index], 2);
      const band = load
        ? `<rect class="load${load}" x="${fixed(from)}" y="${LATENCY.top}" width="${fixed(to - from)}" height="${BOTTOM - LATENCY.top}"/>`
        : "";
      return band + line(from, LATENCY.top, from, BOTTOM, "axis") + label((from + to) / 2, 14, phase.name, "middle", "name");
    })
    .join("");
}

function timeAxis() {
  const step = [1, 2, 5, 10, 20, 60, 120].find((step) => end / step <= 16) || 300;
  let drawn = line(LEFT, BOTTOM, WIDTH - RIGHT, BOTTOM, "axis");
  for (let second = 0; second <= end; second += step) {
    drawn += label(x(second), BOTTOM + 14, second, "middle");
  }
  return drawn + label((LEFT + WIDTH) / 2, BOTTOM + 29, "time since the start of the script, s", "middle");
}

function latency(timeline, target) {
  const { top, height } = LATENCY;
  const limit = CLIP * target;
  const y = (ms) => top + height * (1 - Math.min(ms, limit) / limit);
  let good = "", bad = "";
  timeline.release_s.forEach((release, index) => {
    const ms = timeline.latency_ms[index];
    const at = x(release);
    if (ms === null) {
      bad += `M${fixed(at)} ${top}v7`;
    } else if (ms <= target) {
      good += `M${fixed(at)} ${fixed(y(ms))}h0`;
    } else {
      bad += `M${fixed(at - 2)} ${fixed(y(ms) - 2)}l4 4m0 -4l-4 4`;
    }
  });
  let scale = label(LEFT - 6, top - 8, "latency, ms", "end", "name");
  for (let multiple = 0; multiple <= CLIP; multiple++) {
    scale += label(LEFT - 6, y(multiple * target) + 4, fixed(multiple * target));
  }
  return (
    line(LEFT, top + height, WIDTH - RIGHT, top + height, "axis") +
    scale +
    line(LEFT, y(target), WIDTH - RIGHT, y(target), "target") +
    `<path class="good" d="${good}"/><path class="bad" d="${bad}"/>`
  );
}

// A line that jumps where `values` change; `height` of a value is `y(value)`; frames that did not run are passed over.
function steps(timeline, values, y) {
  let path = "", last = null;
  timeline.release_s.forEach((release, index) => {
    const value = values[index];
    if (value === null) return;
    path += last === null ? `M${fixed(x(release))} ${fixed(y(value))}` : `H${fixed(x(release))}`;
    if (last !== null && value !== last) path += `V${fixed(y(value))}`;
    last = value;
  });
  return `<path class="step" d="${path}"/>`;
}

function subnetworks(timeline, names) {
  const { top, height } = SUBNETWORK;
  const y = (index) => top + height - 4 - (index / Math.max(names.length - 1, 1)) * (height - 8);
  const scale = names.map((name, index) => label(LEFT - 6, y(index) + 4, name)).join("");
  return scale + line(LEFT, top + height, WIDTH - RIGHT, top + height, "axis") + steps(timeline, timeline.subnetwork, y);
}

function cores(timeline) {
  const { top, height } = CORES;
  const most = timeline.cores.reduce((most, count) => Math.max(most, count), 1);
  const y = (count) => top + height - 4 - (count / most) * (height - 8);
  const scale = label(LEFT - 6, y(most) + 4, most === 1 ? "1 core" : `${most} cores`) + label(LEFT - 6, y(0) + 4, "0");
  return scale + steps(timeline, timeline.cores, y);
}

function timelines() {
  return data.ways
    .map((way) => {
      const pair = way.pair ? ` <span class="faint">(camera ${escaped(way.pair.camera)}, reader ${escaped(way.pair.reader)})</span>` : "";
      const drawn = data.apps.map((app, index) => {
        const timeline = way.timelines[index];
        const title = `${way.name}: latency, sub-network and cores of ${app.name} over time`;
        return (
          `<h3>${escaped(app.name)}</h3><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}"><title>${escaped(title)}</title>` +
          phases() + latency(timeline, app.target_ms) + subnetworks(timeline, app.subnetworks) + cores(timeline) + timeAxis() + "</svg>"
        );
      });
      return `<h2>${escaped(way.name)}${pair}</h2>${drawn.join("")}`;
    })
    .join("");
}

function figures() {
  const head = data.headings.map((heading) => `<th>${escaped(heading)}</th>`).join("");
  return data.apps
    .map((app) => {
      let last = null;
      const rows = app.rows.map((row) => {
        const first = row.phase !== last;
        last = row.phase;
        const cells = [first ? row.phase : "", row.way, ...row.cells].map((cell) => `<td>${escaped(cell)}</td>`);
        return `<tr class="${first ? "first" : ""}">${cells.join("")}</tr>`;
      });
      return `<h3>${escaped(app.terms)}</h3><div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
    })
    .join("");
}

function verdicts() {
  if (!data.verdicts.length) return "";
  const number = (value) => (value === null ? "none" : value.toFixed(3));
  const rows = data.verdicts.map(
    (verdict) =>
      `<tr><td>${escaped(verdict.what)}</td><td>${number(verdict.value)}</td><td>${escaped(verdict.op)} ${number(verdict.limit)}</td>` +
      `<td class="${verdict.ok ? "" : "missed"}">${verdict.ok ? "ok" : "not met"}</td></tr>`,
  );
  return `<h2>What managed must show</h2><div class="wide verdicts"><table><thead><tr><th>what</th><th>value</th><th>limit</th><th></th></tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

document.getElementById("board").textContent = [data.board, data.others].filter(Boolean).join("; ");
document.getElementById("timelines").innerHTML = timelines();
document.getElementById("figures").innerHTML = figures();
document.getElementById("verdicts").innerHTML = verdicts();
