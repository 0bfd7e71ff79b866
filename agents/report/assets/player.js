// Plays matches on a canvas, with what the model thought at each decision beside it.
const HIT_SHOWN_MS = 800, CLOSE_UP = 22, LEAST_VIEW = 14, MARGIN = 3;
const still = matchMedia("(prefers-reduced-motion: reduce)");

class Player {
  constructor(root, shapes) {
    this.root = root;
    this.shapes = shapes;
    this.matches = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    const find = name => root.querySelector(`[data-part='${name}']`);
    for (const name of ["canvas", "course", "play", "scrub", "clock", "speed", "follow", "match", "thoughts", "about"]) {
      this[name] = find(name);
    }
    this.pen = this.canvas.getContext("2d");
    this.playing = false;
    this.ms = 0;
    this.camera = null;
    this.listen();
    this.open(0);
  }

  listen() {
    this.play.addEventListener("click", () => this.toggle());
    this.scrub.addEventListener("input", () => this.seek(Number(this.scrub.value) * this.shown.frameMs));
    this.match.addEventListener("change", () => this.open(Number(this.match.value)));
    this.follow.addEventListener("change", () => { this.draw(true); });
    this.root.addEventListener("keydown", event => this.key(event));
    this.course.addEventListener("pointerdown", event => {
      const box = this.course.getBoundingClientRect();
      this.seek((event.clientX - box.left) / box.width * this.shown.endMs);
    });
    new ResizeObserver(() => this.draw(true)).observe(this.canvas.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.paint(); this.draw(true); });
  }

  key(event) {
    const inField = ["SELECT", "INPUT"].includes(event.target.tagName);
    const step = {ArrowLeft: -1, ArrowRight: 1, PageUp: 25, PageDown: -25}[event.key];
    if (event.key === " " && event.target !== this.play && event.target.tagName !== "SELECT") this.toggle();
    else if (inField) return;
    else if (step) this.seek(this.ms + step * this.shown.frameMs);
    else if (event.key === "Home") this.seek(0);
    else if (event.key === "End") this.seek(this.shown.endMs);
    else if (event.key === "f") {
      this.follow.selectedIndex = (this.follow.selectedIndex + 1) % this.follow.options.length;
      this.draw(true);
    } else return;
    event.preventDefault();
  }

  open(number) {
    this.pause();
    this.shown = new Match(structuredClone(this.matches[number]));
    const {units} = this.shown;
    const options = [["all", "everybody"], ["ground", "the whole ground"]];
    const order = units.map((_, n) => n).sort((a, b) => units[b].own - units[a].own || a - b);
    options.push(...order.map(n => [String(n), this.shown.label(n)]));
    this.follow.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    this.scrub.max = String(this.shown.frames - 1);
    const {seconds, seed, side, digest, opponent, model} = this.shown;
    this.about.textContent = `${model} against the ${opponent}, side ${side + 1}, seed ${seed}, ${seconds.toFixed(0)} s; `
      + `replayed from its recording, digest ${digest}.`;
    this.paint();
    this.seek(0);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.start();
  }

  start() {
    if (this.ms >= this.shown.endMs) this.ms = 0;
    this.playing = true;
    this.play.textContent = "Pause";
    this.root.dataset.playing = "true";
    let before = performance.now();
    const turn = now => {
      if (!this.playing) return;
      this.ms = Math.min(this.ms + (now - before) * Number(this.speed.value), this.shown.endMs);
      before = now;
      this.draw(false);
      if (this.ms >= this.shown.endMs) this.pause();
      else requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);
  }

  pause() {
    this.playing = false;
    this.play.textContent = "Play";
    this.root.dataset.playing = "false";
  }

  seek(ms) {
    this.ms = Math.max(0, Math.min(ms, this.shown.endMs));
    this.draw(true);
  }

  get frame() {
    return Math.min(Math.round(this.ms / this.shown.frameMs - 0.499), this.shown.frames - 1);
  }

  // Colours of the theme, and the ground in them, a few pixels a cell.
  paint() {
    const style = getComputedStyle(this.root);
    this.colours = Object.fromEntries(
      ["ink", "muted", "panel", "rule", "floor", "floor-2", "wall", "hazard", "own", "rival", "cast", "item", "good", "bad",
        "middling"].map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
    const {width, height, ground} = this.shown, cell = 8;
    this.ground = document.createElement("canvas");
    this.ground.width = width * cell;
    this.ground.height = height * cell;
    const pen = this.ground.getContext("2d"), c = this.colours;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const what = ground[y * width + x];
        pen.fillStyle = what === 0 ? c.wall : what === 2 ? c.hazard : (x + y) % 2 ? c.floor : c["floor-2"];
        pen.fillRect(x * cell, (height - 1 - y) * cell, cell, cell);
      }
    }
  }

  // The part of the ground that is looked at: its middle and its width in cells.
  view(aspect) {
    const {width, height, count} = this.shown, frame = this.frame, who = this.follow.value;
    if (who === "ground") return {x: (width - 1) / 2, y: (height - 1) / 2, wide: Math.max(width, height * aspect)};
    if (who !== "all") {
      const [x, y] = this.shown.place(Number(who), this.ms);
      return {x, y, wide: CLOSE_UP};
    }
    let left = Infinity, right = -Infinity, low = Infinity, high = -Infinity;
    for (let unit = 0; unit < count; unit++) {
      if (!this.shown.flag(frame, unit, ALIVE)) continue;
      const [x, y] = this.shown.place(unit, this.ms);
      left = Math.min(left, x); right = Math.max(right, x);
      low = Math.min(low, y); high = Math.max(high, y);
    }
    if (left > right) return {x: (width - 1) / 2, y: (height - 1) / 2, wide: Math.max(width, height * aspect)};
    const wide = Math.max(right - left + 2 * MARGIN, (high - low + 2 * MARGIN) * aspect, LEAST_VIEW);
    return {x: (left + right) / 2, y: (low + high) / 2, wide};
  }

  draw(at_once) {
    const box = this.canvas.parentElement.clientWidth, ratio = window.devicePixelRatio || 1;
    const high = Math.round(Math.min(box * 0.72, 460));
    if (this.canvas.width !== Math.round(box * ratio) || this.canvas.height !== Math.round(high * ratio)) {
      this.canvas.width = Math.round(box * ratio);
      this.canvas.height = Math.round(high * ratio);
      this.canvas.style.height = `${high}px`;
    }
    const wanted = this.view(box / high);
    const near = at_once || still.matches || !this.camera ? 1 : 0.12;
    this.camera = near === 1 ? wanted : Object.fromEntries(
      Object.entries(wanted).map(([name, value]) => [name, this.camera[name] + (value - this.camera[name]) * near]));
    this.scene(box, high, ratio);
    this.tellCourse(ratio);
    this.tellThoughts();
    const frame = this.frame;
    this.scrub.value = String(frame);
    const time = `${(this.ms / 1000).toFixed(1)} s`;
    this.clock.textContent = `${time} of ${(this.shown.endMs / 1000).toFixed(1)} s`;
    this.scrub.setAttribute("aria-valuetext", time);
    this.root.dataset.frame = String(frame);
  }

  scene(box, high, ratio) {
    const {pen, colours: c, shown, camera, frame} = this;
    const cell = box / camera.wide;
    const at = (x, y) => [(x - camera.x) * cell + box / 2, high / 2 - (y - camera.y) * cell];
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = c.wall;
    pen.fillRect(0, 0, box, high);
    pen.imageSmoothingEnabled = false;
    const [left, top] = at(-0.5, shown.height - 0.5);
    pen.drawImage(this.ground, left, top, shown.width * cell, shown.height * cell);
    this.lying(at, cell);
    const followed = Number.isNaN(Number(this.follow.value)) ? -1 : Number(this.follow.value);
    const living = [], dead = [];
    for (let unit = 0; unit < shown.count; unit++) {
      if (!shown.flag(frame, unit, HERE)) continue;
      (shown.flag(frame, unit, ALIVE) ? living : dead).push(unit);
    }
    for (const unit of dead) this.fallen(unit, at, cell);
    for (const unit of living) this.aim(unit, at);
    living.sort((a, b) => shown.place(b, this.ms)[1] - shown.place(a, this.ms)[1]);
    const apart = this.sharing(living, cell);
    for (const unit of living) if (unit !== followed) this.monster(unit, at, cell, false, apart.get(unit));
    if (living.includes(followed)) this.monster(followed, at, cell, true, apart.get(followed));
    for (const unit of [...living, ...dead]) this.hits(unit, at);
  }

  lying(at, cell) {
    const {pen, colours: c, shown, frame} = this;
    for (const [begun, ended, x, y, radius, side] of shown.areas) {
      if (frame < begun || frame >= ended) continue;
      const [px, py] = at(x, y), half = (radius + 0.5) * cell;
      pen.strokeStyle = pen.fillStyle = side === shown.side ? c.own : c.rival;
      pen.globalAlpha = 0.18;
      pen.fillRect(px - half, py - half, 2 * half, 2 * half);
      pen.globalAlpha = 0.8;
      pen.strokeRect(px - half, py - half, 2 * half, 2 * half);
      pen.globalAlpha = 1;
    }
    for (const [begun, ended, x, y] of shown.items) {
      if (frame < begun || frame >= ended) continue;
      const [px, py] = at(x, y), half = Math.max(cell * 0.25, 2.5);
      pen.fillStyle = c.item;
      pen.beginPath();
      pen.moveTo(px, py - half); pen.lineTo(px + half, py); pen.lineTo(px, py + half); pen.lineTo(px - half, py);
      pen.fill();
    }
  }

  aim(unit, at) {
    const {pen, colours: c, shown, frame} = this;
    const target = shown.target[frame * shown.count + unit];
    if (target === NOBODY || !shown.flag(frame, target, ALIVE)) return;
    pen.strokeStyle = shown.units[unit].own ? c.own : c.rival;
    pen.globalAlpha = 0.45;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(...at(...shown.place(unit, this.ms)));
    pen.lineTo(...at(...shown.place(target, this.ms)));
    pen.stroke();
    pen.globalAlpha = 1;
  }

  fallen(unit, at, cell) {
    const {pen, colours: c, shown} = this;
    const [x, y] = at(...shown.place(unit, this.ms)), arm = Math.max(cell * 0.3, 4);
    pen.strokeStyle = shown.units[unit].own ? c.own : c.rival;
    pen.globalAlpha = 0.6;
    pen.lineWidth = 2.5;
    pen.beginPath();
    pen.moveTo(x - arm, y - arm); pen.lineTo(x + arm, y + arm);
    pen.moveTo(x - arm, y + arm); pen.lineTo(x + arm, y - arm);
    pen.stroke();
    pen.globalAlpha = 1;
  }

  // Where those who stand on one cell are drawn around its middle, in pixels.
  sharing(living, cell) {
    const cells = new Map(), apart = new Map(), {shown, frame} = this;
    for (const unit of living) {
      const row = frame * shown.count + unit, key = shown.x[row] * 256 + shown.y[row];
      cells.set(key, [...(cells.get(key) ?? []), unit]);
    }
    for (const units of cells.values()) {
      units.sort((a, b) => a - b).forEach((unit, n) => {
        const angle = 2 * Math.PI * n / units.length + 0.6, far = units.length > 1 ? Math.max(cell * 0.42, 7) : 0;
        apart.set(unit, [far * Math.cos(angle), far * Math.sin(angle), units.length > 1 ? 0.8 : 1]);
      });
    }
    return apart;
  }

  monster(unit, at, cell, followed, [right, down, grown]) {
    const {pen, colours: c, shown, frame} = this;
    const told = shown.units[unit], [middle, height] = at(...shown.place(unit, this.ms));
    const x = middle + right, y = height + down;
    const size = Math.max(cell * 0.5, 7) * (told.called ? 0.75 : grown), row = frame * shown.count + unit;
    if (followed) {
      pen.strokeStyle = c.ink;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.arc(x, y, size * 1.75, 0, 2 * Math.PI);
      pen.stroke();
    }
    if (shown.flag(frame, unit, CASTING)) {
      pen.strokeStyle = c.cast;
      pen.lineWidth = 2;
      pen.setLineDash([4, 4]);
      pen.beginPath();
      pen.arc(x, y, size * 1.4, 0, 2 * Math.PI);
      pen.stroke();
      pen.setLineDash([]);
    }
    pen.beginPath();
    for (const [px, py] of this.shapes[told.archetype]) pen.lineTo(x + px * size, y + py * size);
    pen.closePath();
    pen.fillStyle = told.own ? c.own : c.rival;
    pen.lineJoin = "round";
    pen.strokeStyle = "#15171b";
    pen.lineWidth = 2.5;
    pen.stroke();
    pen.fill();
    const share = shown.hp[row] / told.maxHp, wide = Math.max(size * 1.9, 16), top = y - size - 8;
    pen.fillStyle = "#15171b";
    pen.fillRect(x - wide / 2 - 1, top - 1, wide + 2, 5);
    pen.fillStyle = share >= 0.5 ? c.good : share >= 0.25 ? c.middling : c.bad;
    pen.fillRect(x - wide / 2, top, wide * Math.min(share, 1), 3);
    this.text(String(told.number), x, y + 0.5, Math.max(size * 0.85, 9), "#fff", false);
    const given = followed && told.member >= 0 ? shown.order(shown.decision(this.ms), told.member) : null;
    if (given !== null) this.text(shown.thoughts.orders[given], x, y + size * 1.75 + 12, 12, "#fff", true);
  }

  hits(unit, at) {
    const {pen, shown, colours: c, frame} = this;
    const past = Math.ceil(HIT_SHOWN_MS / shown.frameMs);
    for (let then = Math.max(1, frame - past); then <= frame; then++) {
      const now = then * shown.count + unit, before = now - shown.count, age = this.ms - then * shown.frameMs;
      if (!shown.flag(then - 1, unit, HERE) || shown.hp[now] === shown.hp[before] || age > HIT_SHOWN_MS) continue;
      const lost = shown.hp[before] - shown.hp[now], [x, y] = at(...shown.place(unit, this.ms));
      const colour = lost > 0 ? "#ffe6a6" : c.good;
      pen.globalAlpha = 1 - Math.max(age, 0) / HIT_SHOWN_MS * 0.7;
      this.text(lost > 0 ? String(lost) : `+${-lost}`, x + (unit % 3 - 1) * 9, y - 22 - Math.max(age, 0) / 40, 12, colour, true);
      pen.globalAlpha = 1;
    }
  }

  text(words, x, y, size, colour, edged) {
    const {pen} = this;
    pen.font = `600 ${size}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    if (edged) {
      pen.strokeStyle = "#15171b";
      pen.lineWidth = 3;
      pen.strokeText(words, x, y);
    }
    pen.fillStyle = colour;
    pen.fillText(words, x, y);
  }

  // Hit points of both packs over the whole match, and where in it we are.
  tellCourse(ratio) {
    const box = this.course.parentElement.clientWidth, high = 44, {shown, colours: c} = this;
    this.course.width = Math.round(box * ratio);
    this.course.height = Math.round(high * ratio);
    const pen = this.course.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const whole = [0, 0];
    for (const unit of shown.units) if (!unit.called) whole[unit.own ? 0 : 1] += unit.maxHp;
    for (const own of [true, false]) {
      pen.beginPath();
      for (let frame = 0; frame < shown.frames; frame++) {
        let left = 0;
        shown.units.forEach((unit, n) => {
          if (unit.own === own && !unit.called) left += shown.hp[frame * shown.count + n];
        });
        const share = left / whole[own ? 0 : 1];
        pen.lineTo(frame / Math.max(shown.frames - 1, 1) * box, high - 3 - share * (high - 6));
      }
      pen.strokeStyle = own ? c.own : c.rival;
      pen.lineWidth = 1.8;
      pen.stroke();
    }
    const x = this.ms / Math.max(shown.endMs, 1) * box;
    pen.strokeStyle = c.ink;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x, 0); pen.lineTo(x, high);
    pen.stroke();
  }

  tellThoughts() {
    const {shown} = this, decision = shown.decision(this.ms), who = Number(this.follow.value);
    const unit = Number.isNaN(who) ? null : shown.units[who];
    const key = `${this.match.value} ${decision} ${this.follow.value} ${this.frame}`;
    if (key === this.toldKey) return;
    this.toldKey = key;
    this.root.dataset.decision = String(decision);
    if (unit && unit.member >= 0) this.tellOne(who, decision);
    else this.tellAll(decision, unit);
  }

  tellOne(who, decision) {
    const {shown} = this, unit = shown.units[who], said = shown.said(decision, unit.member);
    const given = shown.order(decision, unit.member), {labels, orders, what, share, low, high} = shown.thoughts;
    const own = labels.length === orders.length;
    const rows = said.map((value, n) => {
      const part = value === null ? 0 : (value - low) / Math.max(high - low, 1e-9);
      return this.bar(labels[n], part, value === null ? "–" : share ? `${Math.round(value * 100)}%` : value.toFixed(2),
        own && n === given, value === null);
    });
    const order = given === null ? "" : `It gives: ${orders[given]}.`;
    const living = shown.flag(this.frame, who, ALIVE);
    this.fill(shown.label(who), living ? `${what}; – is not allowed now. ${order}` : "it is dead", living ? rows : []);
  }

  tellAll(decision, other) {
    const {shown} = this, {orders, share, what} = shown.thoughts, rows = [];
    shown.units.forEach((unit, n) => {
      if (unit.member < 0) return;
      const said = shown.said(decision, unit.member), given = shown.order(decision, unit.member);
      const living = shown.flag(this.frame, n, ALIVE);
      const ours = given !== null && said.length === orders.length ? said[given] : null;
      const words = !living ? "dead" : given === null ? "ordered by numbers" : orders[given];
      const part = living && ours !== null && share ? ours : 0;
      rows.push(this.bar(`${unit.number}: ${words}`, part, part ? `${Math.round(part * 100)}%` : "", living, !living));
    });
    const note = other ? "An opponent's thoughts are not known; these are the model's." : "Follow one monster to see all it considered.";
    this.fill("The model's orders", share ? `${what}. ${note}` : note, rows);
  }

  bar(label, part, number, strong, faint) {
    const row = document.createElement("li");
    row.className = `${strong ? "given" : ""} ${faint ? "faint" : ""}`;
    const name = document.createElement("span"), value = document.createElement("span"), line = document.createElement("span");
    name.textContent = label;
    value.textContent = number;
    value.className = "number";
    line.className = "line";
    line.style.setProperty("--part", `${(part * 100).toFixed(1)}%`);
    row.append(name, value, line);
    return row;
  }

  fill(title, note, rows) {
    const [heading, words, list] = this.thoughts.children;
    heading.textContent = title;
    words.textContent = note;
    list.replaceChildren(...rows);
  }
}

const shapes = JSON.parse(document.getElementById("shapes").textContent);
for (const root of document.querySelectorAll(".player")) new Player(root, shapes);
