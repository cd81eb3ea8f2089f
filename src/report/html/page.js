"use strict";
// Every text of the capture goes through textContent or setAttribute: nothing of it can become markup.
document.addEventListener("DOMContentLoaded", () => {
  const AT_ONCE = 100;
  const MARK = { certain: "", likely: "?", possible: "??" };
  const SVG = "http" + "://www.w3.org/2000/svg";

  const make = (tag, cls, content) => {
    const element = document.createElement(tag);
    if (cls) element.className = cls;
    if (content !== undefined && content !== null) element.textContent = content;
    return element;
  };
  const draw = (tag, attributes) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  // Nanoseconds since 1970 do not fit into a number; those since the second do.
  const since = (time, start) => time === null || start === null ? null
    : (Date.parse(time.slice(0, 19) + "Z") - Date.parse(start.slice(0, 19) + "Z")) / 1000
      + (Number(time.slice(20, 29)) - Number(start.slice(20, 29))) / 1e9;
  // A span in the unit that reads best, from nanoseconds.
  const span = nanos => nanos >= 1e11 ? Math.floor(nanos / 1e9) + " s" : nanos >= 1e9 ? (nanos / 1e9).toFixed(1) + " s"
    : nanos >= 1e6 ? (nanos / 1e6).toFixed(nanos >= 1e8 ? 0 : 1) + " ms" : (nanos / 1e3).toFixed(0) + " µs";

  // ---- A flow's close

  const key = (state, text) => {
    const item = make("span", "key");
    item.append(make("span", "swatch state-" + state), text);
    return item;
  };
  // How long each side was in which state, drawn to scale. What has no time is named alone.
  const bars = (flow, end) => {
    const sides = make("div", "sides");
    if (flow.bars === null) return sides;
    const all = [...flow.bars.client, ...flow.bars.server];
    const times = all.flatMap(([, from, to]) => [from, to]).filter(time => time !== null);
    // What is not over lasts to the end of the capture.
    const open = all.some(([, , to]) => to === null) && end !== null ? (since(end, flow.start) ?? 0) * 1e9 : 0;
    const first = Math.min(0, ...times), last = Math.max(open, ...times), length = Math.max(last - first, 1);
    for (const side of ["client", "server"]) {
      const row = make("div", "side"), svg = draw("svg", { viewBox: "0 0 1000 1", preserveAspectRatio: "none", "aria-hidden": "true" });
      const words = make("div", "dwells");
      flow.bars[side].forEach(([state, from, to], at, list) => {
        const begin = from ?? (at === 0 ? first : null);
        const over = to ?? (at + 1 < list.length ? list[at + 1][1] : last);
        if (begin !== null && over !== null && over > begin)
          svg.append(draw("rect", { class: "state-" + state, x: (begin - first) / length * 1000, width: (over - begin) / length * 1000, height: 1 }));
        const long = from === null ? "" : to !== null ? " " + span(to - from) : at + 1 === list.length && over > from ? " " + span(over - from) + " and on" : "";
        words.append(key(state, state + long), " ");
      });
      row.append(make("span", "faint", side), svg);
      sides.append(row, words);
    }
    return sides;
  };
  const ladder = flow => {
    const grid = make("div", "ladder");
    const cell = (cls, text) => grid.append(make("div", cls, text));
    cell("head cell", "frame"); cell("head cell", "seconds"); cell("head left", "client"); cell("head note", ""); cell("head right", "server");
    let before = [null, null];
    for (const [frame, time, from, label, look, client, server] of flow.ladder) {
      cell("cell", frame === null ? "" : String(frame));
      cell("cell", time ?? "");
      cell("left state-" + client, client === before[0] ? "" : client);
      cell((from === null ? "note" : "arrow " + from) + " " + look, label);
      cell("right state-" + server, server === before[1] ? "" : server);
      before = [client, server];
    }
    return grid;
  };
  const said = flow => {
    const lines = [];
    const { application: app, in_flight: request } = flow;
    for (const side of ["client", "server"])
      if (app?.[side]) lines.push(app.protocol + ", last of the " + side + " (frame " + app[side].frame + "): " + app[side].words);
    if (request) lines.push("Without a complete response (frame " + request.frame + "): " + request.method + " " + request.path);
    return lines;
  };
  const detail = (flow, end) => {
    const cell = make("td");
    cell.append(make("p", "", flow.reason));
    for (const found of flow.findings) {
      const line = make("p", { warning: "bad", notice: "unusual" }[found.severity] ?? "faint");
      line.append(make("strong", "", found.code), ": " + found.message + (found.confidence === "certain" ? "" : " (" + found.confidence + ")"));
      cell.append(line);
    }
    if (flow.network) cell.append(make("p", "faint", flow.network));
    for (const line of said(flow)) cell.append(make("p", "said", line));
    cell.append(bars(flow, end), ladder(flow));
    const filter = make("p", "faint", "Wireshark: ");
    filter.append(make("code", "", flow.wireshark_filter));
    cell.append(filter);
    return cell;
  };

  // ---- The table of a capture's flows

  const table = section => {
    const flows = JSON.parse(section.querySelector("script.flows").textContent);
    const start = section.dataset.start ?? null;
    const find = name => section.querySelector(name);
    const body = find("table.flows tbody"), words = find(".find"), count = find(".pages .shown");
    const [back, on, clear] = [find(".back"), find(".on"), find(".clear")];
    const selects = [...section.querySelectorAll("select[data-field]")];
    const shares = [...section.querySelectorAll(".share")];
    const heads = [...section.querySelectorAll("th[data-column]")];
    const codes = flow => flow.findings.map(found => found.code).join(", ");
    const none = text => text === "none" ? "" : text;
    // What is shown of a flow, and by what it is sorted.
    const columns = {
      flow: flow => flow.flow, start: flow => flow.after, client: flow => flow.client, server: flow => flow.server,
      outcome: flow => flow.outcome + MARK[flow.confidence], closer: flow => none(flow.active_closer),
      reset: flow => flow.aborted_by === null ? "" : flow.aborted_by + (flow.abort_cause === null ? "" : ": " + flow.abort_cause),
      waits: flow => none(flow.waits.replace(/^-$/, "")), ack: flow => none(flow.final_ack), findings: codes,
    };
    const fields = {
      outcome: (flow, value) => flow.outcome === value, closer: (flow, value) => flow.active_closer === value,
      cause: (flow, value) => flow.abort_cause === value, finding: (flow, value) => flow.findings.some(found => found.code === value),
    };
    const NAMED = { closer: "closed first by", reset: "reset by", waits: "TIME-WAIT", ack: "final ACK" };
    for (const flow of flows) {
      flow.after = since(flow.start, start);
      flow.text = [...Object.values(columns).map(of => of(flow)), flow.reason, ...said(flow)].join(" ").toLowerCase();
    }
    const chosen = {};
    let shown = flows, from = 0, by = "flow", up = true;

    const row = flow => {
      const tr = make("tr", "flow");
      tr.dataset.flow = flow.flow;
      for (const [name, of] of Object.entries(columns)) {
        const td = make("td", { outcome: flow.look, findings: "long", start: "faint" }[name]);
        const value = of(flow);
        if (name === "flow") {
          const button = make("button", "", String(value));
          button.type = "button";
          button.setAttribute("aria-expanded", "false");
          td.append(button);
        } else {
          td.textContent = name === "start" ? (value === null ? "" : value.toFixed(6)) : value;
          if (NAMED[name]) td.dataset.name = NAMED[name];
        }
        tr.append(td);
      }
      // The button is for the keyboard; its click reaches the row.
      tr.addEventListener("click", () => toggle(tr, flow));
      return tr;
    };
    const toggle = (tr, flow) => {
      const open = tr.classList.toggle("open");
      tr.querySelector("button").setAttribute("aria-expanded", String(open));
      if (!open) { tr.nextElementSibling.remove(); return; }
      const more = make("tr", "detail"), cell = detail(flow, section.dataset.end ?? null);
      cell.colSpan = heads.length;
      more.append(cell);
      tr.after(more);
    };
    // Only the rows of one page are in the document.
    const write = first => {
      from = Math.min(Math.max(first, 0), Math.max(shown.length - 1, 0));
      from -= from % AT_ONCE;
      const to = Math.min(from + AT_ONCE, shown.length);
      body.replaceChildren(...shown.slice(from, to).map(row));
      const all = shown.length === flows.length ? "" : " of " + flows.length;
      count.textContent = (shown.length > AT_ONCE ? from + 1 + " to " + to + " of " : "") + shown.length + all + (shown.length === 1 ? " flow" : " flows");
      count.dataset.shown = shown.length;
      back.hidden = from === 0;
      on.hidden = to === shown.length;
    };
    const again = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(word => word);
      const picks = Object.entries(chosen).filter(([, value]) => value);
      shown = flows.filter(flow => picks.every(([field, value]) => fields[field](flow, value)) && wanted.every(word => flow.text.includes(word)));
      const of = columns[by], sign = up ? 1 : -1;
      shown.sort((a, b) => { const x = of(a), y = of(b); return x < y ? -sign : x > y ? sign : a.flow - b.flow; });
      for (const share of shares) share.setAttribute("aria-pressed", String(chosen[share.dataset.field] === share.dataset.value));
      for (const select of selects) select.value = chosen[select.dataset.field] ?? "";
      clear.hidden = !picks.length && !wanted.length;
      write(0);
    };
    const sort = (name, ascending) => {
      [by, up] = [name, ascending];
      for (const head of heads) head.setAttribute("aria-sort", head.dataset.column !== by ? "none" : up ? "ascending" : "descending");
      again();
    };
    const forget = () => { words.value = ""; for (const field of Object.keys(fields)) chosen[field] = ""; };

    words.addEventListener("input", again);
    clear.addEventListener("click", () => { forget(); again(); });
    back.addEventListener("click", () => write(from - AT_ONCE));
    on.addEventListener("click", () => write(from + AT_ONCE));
    for (const select of selects) select.addEventListener("change", () => { chosen[select.dataset.field] = select.value; again(); });
    for (const share of shares) share.addEventListener("click", () => {
      const { field, value } = share.dataset, was = chosen[field] === value;
      forget();
      chosen[field] = was ? "" : value;
      again();
      if (!was) find(".tools").scrollIntoView({ behavior: "smooth" });
    });
    for (const head of heads)
      head.firstElementChild.addEventListener("click", () => sort(head.dataset.column, by !== head.dataset.column || !up));
    for (const example of section.querySelectorAll("[data-example]")) {
      const number = Number(example.dataset.example);
      // A flow of a sample, or of a selection, may not be here.
      if (!flows.some(flow => flow.flow === number)) {
        example.replaceWith(make("span", "faint", "flow " + number + " is not in the table: whoclosed explain --flow " + number));
        continue;
      }
      example.addEventListener("click", () => {
        forget();
        sort("flow", true);
        write(shown.findIndex(flow => flow.flow === number));
        const tr = body.querySelector('tr.flow[data-flow="' + number + '"]');
        toggle(tr, flows.find(flow => flow.flow === number));
        tr.scrollIntoView({ block: "start" });
      });
    }
    forget();
    sort("flow", true);
  };

  // ---- Charts: the numbers under the pointer

  const chart = figure => {
    const series = JSON.parse(figure.dataset.values), length = Number(figure.dataset.length);
    const svg = figure.querySelector("svg"), cursor = figure.querySelector(".cursor"), readout = figure.querySelector(".readout");
    const slots = series[0][1].length;
    const show = slot => {
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, slot === null ? -1 : slot + 0.5);
      if (slot === null) { readout.textContent = ""; return; }
      const time = at => (length * at / slots / 1e9).toFixed(length < 1e9 ? 6 : length < 1e11 ? 3 : 1);
      const numbers = series.map(([name, values]) => (series.length > 1 ? name + " " : "") + values[slot]);
      readout.textContent = time(slot) + " to " + time(slot + 1) + (series.length > 1 ? " s, when most were held: " : " s: at most ") + numbers.join(", ");
    };
    const move = event => {
      const box = svg.getBoundingClientRect();
      show(Math.min(Math.max(Math.floor((event.clientX - box.left) / box.width * slots), 0), slots - 1));
    };
    svg.addEventListener("pointermove", move);
    svg.addEventListener("pointerdown", move);
    svg.addEventListener("pointerleave", () => show(null));
  };

  const sections = [...document.querySelectorAll("section.capture")];
  if (sections.length > 1) {
    const nav = make("nav");
    sections.forEach((section, at) => {
      section.id = "capture-" + (at + 1);
      const link = make("a", "", section.querySelector("h1").textContent);
      link.setAttribute("href", "#" + section.id);
      nav.append(link);
    });
    document.querySelector("main").prepend(nav);
  }
  sections.forEach(table);
  document.querySelectorAll("figure.chart").forEach(chart);
});
