"use strict";
// Every text of the capture goes through textContent: nothing of it can become markup.
(() => {
  const flows = JSON.parse(document.getElementById("flows").textContent);
  const body = document.getElementById("rows");
  const find = document.getElementById("find");
  const pick = document.getElementById("outcome");
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  const AT_ONCE = 300;
  const waits = flow => flow.time_wait.map(wait => wait.owner).join(", ");
  const codes = flow => flow.findings.map(finding => finding.code).join(" ");
  const who = flow => flow.aborted_by ?? flow.closer;
  const columns = {
    flow: flow => flow.flow, start: flow => flow.start ?? "", client: flow => flow.client,
    server: flow => flow.server, outcome: flow => flow.outcome, closer: who,
    cause: flow => flow.cause ?? "", waits, final_ack: flow => flow.final_ack, findings: codes,
  };
  const STYLE = { graceful: "good", simultaneous: "good", aborted: "bad", "aborted-after-fin": "bad",
    refused: "bad", "final-ack-missing": "unusual", "half-closed": "unusual", "fin-unacked": "unusual" };
  const MARK = { certain: "", likely: "?", possible: "??" };
  const text = flow => Object.values(columns).map(of => of(flow)).join(" ").toLowerCase();
  for (const flow of flows) flow.text = text(flow);
  let shown = flows, written = 0, by = "flow", up = true;

  const make = (tag, cls, content) => {
    const element = document.createElement(tag);
    if (cls) element.className = cls;
    if (content !== undefined) element.textContent = content;
    return element;
  };
  const row = flow => {
    const tr = make("tr", "flow");
    tr.dataset.flow = flow.flow;
    for (const [name, of] of Object.entries(columns)) {
      const td = make("td", name === "outcome" ? STYLE[flow.outcome] : "");
      if (name === "flow") td.append(opener(tr, flow));
      else td.textContent = of(flow) + (name === "outcome" ? MARK[flow.confidence] : "");
      tr.append(td);
    }
    tr.addEventListener("click", () => toggle(tr, flow));
    return tr;
  };
  // A button, so that the keyboard opens a flow as well; its click reaches the row.
  const opener = (tr, flow) => {
    const button = make("button", "", String(flow.flow));
    button.setAttribute("aria-expanded", "false");
    return button;
  };
  const toggle = (tr, flow) => {
    const open = tr.nextSibling?.className === "detail";
    tr.querySelector("button").setAttribute("aria-expanded", String(!open));
    if (open) { tr.nextSibling.remove(); return; }
    const detail = make("tr", "detail");
    const cell = make("td");
    cell.colSpan = Object.keys(columns).length;
    cell.append(make("p", "", flow.reason));
    for (const finding of flow.findings)
      cell.append(make("p", finding.severity === "warning" ? "bad" : "faint", finding.code + ": " + finding.message));
    cell.append(ladder(flow), make("p", "faint", flow.wireshark_filter));
    detail.append(cell);
    tr.after(detail);
  };
  const nanos = time => time === null ? null : Date.parse(time.slice(0, 19) + "Z") * 1000000 + Number(time.slice(20, 29));
  const ladder = flow => {
    const wide = make("div", "wide"), table = make("table", "ladder");
    wide.append(table);
    const rung = (frame, time, states, arrow, cls) => {
      const tr = make("tr");
      tr.append(make("td", "faint", frame), make("td", "faint", time),
        make("td", "state " + states.client, states.client), make("td", "arrow " + cls, arrow),
        make("td", "state " + states.server, states.server));
      table.append(tr);
    };
    const start = nanos(flow.start);
    rung("frame", "seconds", flow.ladder.before, flow.client + " — " + flow.server, "faint");
    for (const step of flow.ladder.steps) {
      const time = step.time === null || start === null ? "-" : ((nanos(step.time) - start) / 1e9).toFixed(6);
      const label = step.flags.join(" ") + " seq " + step.seq + (step.ack === null ? "" : " ack " + step.ack) + " len " + step.len;
      const arrow = step.from === "client" ? "── " + label + " ─▶" : "◀─ " + label + " ──";
      rung(step.frame, time, step.states, arrow, step.flags.includes("RST") ? "bad" : "");
    }
    rung("", "", flow.ladder.end, "the capture ends", "faint");
    return wide;
  };
  const write = number => {
    const part = document.createDocumentFragment();
    for (const flow of shown.slice(written, written + number)) part.append(row(flow));
    body.append(part);
    written = Math.min(shown.length, written + number);
    more.hidden = written === shown.length;
  };
  const again = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(word => word);
    shown = flows.filter(flow => (!pick.value || flow.outcome === pick.value) && words.every(word => flow.text.includes(word)));
    const of = columns[by], sign = up ? 1 : -1;
    shown.sort((a, b) => { const x = of(a), y = of(b); return x < y ? -sign : x > y ? sign : a.flow - b.flow; });
    count.textContent = shown.length + " of " + flows.length + " flows";
    count.dataset.shown = shown.length;
    body.replaceChildren();
    written = 0;
    write(AT_ONCE);
    for (const share of document.querySelectorAll(".share"))
      share.setAttribute("aria-pressed", String(share.dataset.outcome === pick.value));
  };
  find.addEventListener("input", again);
  pick.addEventListener("change", again);
  more.addEventListener("click", () => write(AT_ONCE));
  for (const share of document.querySelectorAll(".share"))
    share.addEventListener("click", () => { pick.value = pick.value === share.dataset.outcome ? "" : share.dataset.outcome; again(); });
  const heads = document.querySelectorAll("th[data-column]");
  const sort = (name, ascending) => {
    [by, up] = [name, ascending];
    for (const head of heads)
      head.setAttribute("aria-sort", head.dataset.column !== by ? "none" : up ? "ascending" : "descending");
    again();
  };
  for (const head of heads)
    head.firstElementChild.addEventListener("click", () => sort(head.dataset.column, by !== head.dataset.column || !up));
  for (const example of document.querySelectorAll("[data-example]"))
    example.addEventListener("click", () => {
      find.value = pick.value = "";
      sort("flow", true);
      const at = shown.findIndex(flow => String(flow.flow) === example.dataset.example);
      if (at < 0) return;
      if (at >= written) write(at + 1 - written);
      const tr = body.querySelector('tr.flow[data-flow="' + shown[at].flow + '"]');
      if (tr.nextSibling?.className !== "detail") toggle(tr, shown[at]);
      tr.scrollIntoView({ block: "center" });
    });
  addEventListener("beforeprint", () => write(flows.length));
  sort("flow", true);
})();
