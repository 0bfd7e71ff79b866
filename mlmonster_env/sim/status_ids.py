"""The few statuses that kernels must know by name; all else about statuses is in their table."""

from mlmonster_env.sim.status_table import status_id

ANKLE = status_id("SC_ANKLE")
AUTOCOUNTER = status_id("SC_AUTOCOUNTER")
BURNING = status_id("SC_BURNING")
DEADLY_DEFEASANCE = status_id("SC_DEADLY_DEFEASANCE")
ENDURE = status_id("SC_ENDURE")
FEAR = status_id("SC_FEAR")
FREEZE = status_id("SC_FREEZE")
KYRIE = status_id("SC_KYRIE")
MAXPAIN = status_id("SC_MAXPAIN")
MILLENNIUMSHIELD = status_id("SC_MILLENNIUMSHIELD")
PROPERTYWALK = status_id("SC_PROPERTYWALK")
PROVOKE = status_id("SC_PROVOKE")
REBIRTH = status_id("SC_REBIRTH")
REJECTSWORD = status_id("SC_REJECTSWORD")
SLEEP = status_id("SC_SLEEP")
STONE = status_id("SC_STONE")
STONEWAIT = status_id("SC_STONEWAIT")
STOP = status_id("SC_STOP")
STUN = status_id("SC_STUN")
