"use strict";
// A match as the page's player needs it. Times are milliseconds of the match.

const HERE = 1, ALIVE = 2, CASTING = 4, NOBODY = 255, ILLEGAL = 255, LEVELS = 250;
const SMOOTH = [1, 2, 3, 2, 1], LONGEST_STEP = 1.5;

function bytes(text) {
  return Uint8Array.from(atob(text), c => c.charCodeAt(0));
}

// A match as the page holds it, its arrays unpacked, positions smoothed over a second.
class Match {
  constructor(told) {
    Object.assign(this, told);
    for (const name of ["x", "y", "flags", "target", "ground"]) this[name] = bytes(told[name]);
    this.hp = new Uint32Array(bytes(told.hp).buffer);
    const thoughts = told.thoughts;
    this.numbers = bytes(thoughts.numbers);
    this.given = bytes(thoughts.given);
    this.count = this.units.length;
    this.endMs = (this.frames - 1) * this.frameMs;
    this.smoothX = this.smoothed(this.x);
    this.smoothY = this.smoothed(this.y);
    const seen = [0, 0];
    for (const unit of this.units) {
      unit.own = unit.side === this.side;
      unit.number = ++seen[unit.own ? 0 : 1];
      unit.member = thoughts.places.indexOf(unit.place);
    }
  }

  flag(frame, unit, bit) {
    return (this.flags[frame * this.count + unit] & bit) !== 0;
  }

  near(a, b, unit) {
    const one = a * this.count + unit, other = b * this.count + unit;
    return this.flag(a, unit, HERE) && this.flag(b, unit, HERE)
      && Math.max(Math.abs(this.x[one] - this.x[other]), Math.abs(this.y[one] - this.y[other])) <= LONGEST_STEP;
  }

  smoothed(values) {
    const out = new Float32Array(values.length);
    const reach = (SMOOTH.length - 1) / 2;
    for (let unit = 0; unit < this.count; unit++) {
      for (let frame = 0; frame < this.frames; frame++) {
        let sum = values[frame * this.count + unit] * SMOOTH[reach], weight = SMOOTH[reach];
        for (const way of [-1, 1]) {
          for (let step = 1; step <= reach; step++) {
            const at = frame + way * step;
            if (at < 0 || at >= this.frames || !this.near(at - way, at, unit)) break;
            sum += values[at * this.count + unit] * SMOOTH[reach + step];
            weight += SMOOTH[reach + step];
          }
        }
        out[frame * this.count + unit] = sum / weight;
      }
    }
    return out;
  }

  // Where somebody stands at a time, in cells from the lower left.
  place(unit, ms) {
    const frame = Math.min(Math.floor(ms / this.frameMs), this.frames - 1);
    const next = Math.min(frame + 1, this.frames - 1);
    const part = this.near(frame, next, unit) ? ms / this.frameMs - frame : 0;
    const one = frame * this.count + unit, other = next * this.count + unit;
    return [
      this.smoothX[one] * (1 - part) + this.smoothX[other] * part,
      this.smoothY[one] * (1 - part) + this.smoothY[other] * part,
    ];
  }

  decision(ms) {
    return Math.min(Math.floor(ms / this.thoughts.everyMs), this.thoughts.decisions - 1);
  }

  // What was said of each order at a decision: numbers, or null where it was not allowed.
  said(decision, member) {
    const {labels, low, high, places} = this.thoughts;
    const at = (decision * places.length + member) * labels.length;
    return labels.map((_, n) => {
      const level = this.numbers[at + n];
      return level === ILLEGAL ? null : low + (high - low) * level / LEVELS;
    });
  }

  order(decision, member) {
    const number = this.given[decision * this.thoughts.places.length + member];
    return number === NOBODY ? null : number;
  }

  label(unit) {
    const {name, own, number, called} = this.units[unit];
    return `${own ? "Model" : "Opponent"} ${number}: ${name}${called ? ", called" : ""}`;
  }
}
