/* Copyright (c) 2026 postmaster.mailcheck contributors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later */
"use strict";
(() => {
  // Everything shown is put in as text, never as markup. The table is there without this script; it filters it, and
  // shows one relay's details on demand.
  const byId = (id) => document.getElementById(id);
  const rows = Array.from(byId("rows").rows);
  const words = rows.map((row) => row.textContent.toLowerCase() + " " + row.dataset.said.toLowerCase());
  const form = byId("filter");
  const shown = byId("shown");
  const more = byId("more");

  const page = 100;
  const first = rows.length ? rows[0].cells.length - (byId("rule").options.length - 1) : 0;
  let limit = page;

  // A row that does not fit the filter is hidden; one that does, but is not yet due, comes later.
  function filter() {
    const asked = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = byId("verdict").value;
    const outcome = byId("outcome").value;
    const column = byId("rule").selectedIndex - 1;
    let count = 0;
    rows.forEach((row, index) => {
      let keep = (!verdict || row.dataset.verdict === verdict) && asked.every((word) => words[index].includes(word));
      if (keep && column >= 0) {
        keep = row.cells[first + column].className === "o " + (outcome || "unmet");
      } else if (keep && outcome) {
        keep = row.dataset.outcomes.split(" ").includes(outcome);
      }
      if (row.hidden === keep) row.hidden = !keep;
      row.classList.toggle("later", keep && count >= limit);
      count += keep;
    });
    byId("rows").classList.add("ready");
    shown.textContent = count + " of " + rows.length + " relays fit";
    more.hidden = count <= limit;
    more.textContent = "Show more (" + (count - limit) + " left)";
  }
  function anew() {
    limit = page;
    filter();
  }
  function goOn() {
    limit += page;
    filter();
  }
  more.addEventListener("click", goOn);
  new IntersectionObserver((seen) => { if (seen[0].isIntersecting) goOn(); }, {root: more.parentElement}).observe(more);

  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(anew, 60);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); anew(); });
  form.addEventListener("reset", () => setTimeout(anew));
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !byId("details").open) {
      event.preventDefault();
      byId("text").focus();
    }
  });

  // Details

  let data = null;
  function made(parent, name, text, className) {
    const element = document.createElement(name);
    if (text !== undefined && text !== null) element.textContent = text;
    if (className) element.className = className;
    parent.append(element);
    return element;
  }
  const plain = (value) => value === null || value === undefined ? "–"
    : Array.isArray(value) ? value.join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value);

  function facts(parent, pairs) {
    const list = made(parent, "dl");
    for (const [name, value] of pairs) {
      if (value !== null && value !== undefined && value !== "") { made(list, "dt", name); made(list, "dd", plain(value)); }
    }
  }

  function rule(parent, one) {
    const kind = data.kinds[one[0]];
    const [, outcome, observed, text, more] = one;
    const box = made(parent, "div", null, "rule");
    made(box, "span", outcome, "tag " + outcome);
    made(box, "strong", " " + kind.id + " ");
    made(box, "span", "(" + kind.severity + ")", "soft");
    made(box, "div", text);
    facts(box, [["Expected", kind.expected], ["Observed", observed],
      ["Source", [kind.document, kind.section].filter(Boolean).join(" ")], ["Why", kind.reason],
      ["Remedy", outcome === "met" ? "" : kind.remedy],
      ["Waived", more && more.waiver && `until ${more.waiver.expires} by ${more.waiver.owner}: ${more.waiver.reason}`],
      ["Expired waiver", more && more.expired_waiver &&
        `${more.expired_waiver.expires}, ${more.expired_waiver.owner}: ${more.expired_waiver.reason}`]]);
  }

  function show(index) {
    data = data || JSON.parse(byId("data").textContent);
    const one = data.endpoints[index];
    const dialog = byId("details");
    byId("details-name").textContent = one.id;
    const body = byId("details-body");
    body.replaceChildren();
    made(body, "p", one.msg);
    facts(body, [["Verdict", one.verdict], ["Cause", one.cause], ["Host", one.host + " port " + one.port],
      ["Address", one.address], ["Greeting", one.greeting],
      ["TLS", one.tls && [one.tls.version, one.tls.cipher, one.tls.verified === true ? "verified" : one.tls.verified === false ?
        "not verified" : "not judged"].filter(Boolean).join(", ")],
      ["Certificate", one.certificate], ["Valid until", one.not_after], ["Days left", one.days_left],
      ["Seconds", one.seconds], ["Checked at", one.checked_at],
      ["Labels", Object.keys(one.labels).length ? one.labels : null]]);
    made(body, "h3", "Rules");
    const order = ["unmet", "waived", "unknown", "met"];
    [...one.rules].sort((a, b) => order.indexOf(a[1]) - order.indexOf(b[1])).forEach((each) => rule(body, each));
    made(body, "h3", "Transcript");
    if (one.transcript && one.transcript.length) {
      const lines = one.transcript.map((entry) => entry.at.toFixed(3).padStart(8) + (entry.tls ? " TLS " : "     ") +
        (entry.from === "client" ? "> " : "< ") + entry.text.split("\n").join("\n               "));
      made(body, "pre", lines.join("\n")).tabIndex = 0;
    } else {
      made(body, "p", "Not kept in this run.", "soft");
    }
    dialog.showModal();
    dialog.scrollTop = 0;
  }

  byId("rows").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) show(Number(button.closest("tr").dataset.index));
  });
  byId("close").addEventListener("click", () => byId("details").close());
  byId("details").addEventListener("click", (event) => { if (event.target === byId("details")) byId("details").close(); });
  form.hidden = false;
  filter();
})();
