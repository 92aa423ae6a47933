/* Copyright (c) 2026 postmaster.mailcheck contributors
 * GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later */
"use strict";
(() => {
  // The page is whole without this script, which filters its rows and opens the details that a name leads to.
  const byId = (id) => document.getElementById(id);
  const bodies = Array.from(document.querySelectorAll(".matrix .rows"));
  const columns = bodies.map((body) => Array.from(body.parentElement.tHead.rows[0].cells, (cell) => cell.dataset.rule));
  const rows = bodies.flatMap((body) => Array.from(body.rows));
  const boxes = rows.map((row) => byId("s" + row.id.slice(1)).parentElement);
  const words = rows.map((row, index) => (row.textContent + " " + boxes[index].firstElementChild.textContent).toLowerCase());
  const form = byId("filter");
  const shown = byId("shown");
  const more = byId("more");

  const page = 100;
  let limit = page;

  // A row that does not fit the filter is hidden, and so are its details; one that does, but is not yet due, comes later.
  function filter() {
    const asked = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = byId("state").value;
    const outcome = byId("outcome").value;
    const wanted = byId("rule").value;
    const column = new Map(bodies.map((body, index) => [body, columns[index].indexOf(wanted)]));
    let count = 0;
    rows.forEach((row, index) => {
      let keep = (!state || row.dataset.state === state) && asked.every((word) => words[index].includes(word));
      if (keep && wanted) {
        const at = column.get(row.parentElement);
        keep = at > 0 && row.cells[at].className === "o " + (outcome || "unmet");
      } else if (keep && outcome) {
        keep = row.dataset.outcomes.split(" ").includes(outcome);
      }
      if (row.hidden === keep) row.hidden = boxes[index].hidden = !keep;
      row.classList.toggle("later", keep && count >= limit);
      count += keep;
    });
    bodies.forEach((body) => body.classList.add("ready"));
    const asking = asked.length || state || outcome || wanted;
    shown.textContent = asking ? count + " of " + rows.length + " " + shown.dataset.of + " fit" : rows.length + " " + shown.dataset.of;
    more.hidden = count <= limit;
    more.textContent = "Show more (" + (count - limit) + " left)";
  }
  function anew() {
    limit = page;
    filter();
  }
  more.addEventListener("click", () => {
    limit += page;
    filter();
  });

  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(anew, 60);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); anew(); });
  form.addEventListener("reset", () => setTimeout(anew));
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      byId("text").focus();
    }
  });

  // Browsers open what a link leads into, the older ones do not; a filter, or a row that is not yet due, may hide it.
  function reveal() {
    const target = byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const box = target.closest("details, tr");
    if (!box) return;
    box.hidden = false;
    box.classList.remove("later");
    if ("open" in box) box.open = true;
    const focus = box.querySelector("summary, a");
    box.scrollIntoView();
    focus.focus({preventScroll: true});
  }
  addEventListener("hashchange", reveal);

  form.hidden = false;
  if (rows.length) filter();
  reveal();
})();
