"""What happened when, for those who want to know: a ring of records beside a match, of no size where nobody asks."""

from mlmonster_env.sim import fields as f
from mlmonster_env.sim.compiled import small


@small
def note(w, now, kind, u, v, amount):
    """Write down that at `now` unit `u` did something (fields.J_*) to `v`."""
    size = w.journal.shape[0]
    if size > 0:
        line = w.match[f.JOURNAL_LINES] % size
        w.journal[line, 0] = now
        w.journal[line, 1] = kind
        w.journal[line, 2] = u
        w.journal[line, 3] = v
        w.journal[line, 4] = amount
        w.match[f.JOURNAL_LINES] += 1
