"""Derived stats of a monster from its database values: one plain function each, also compiled into the simulator.

`renewal` is 1 or 0. Only integer arithmetic on non-negative arguments, so that the compiled functions agree with these.
"""

MAX_SHORT = 32767
UNSIGNED_SHORT = 65536


def base_attack(level: int, strength: int, renewal: int) -> int:
    """Attack before the weapon's part; pre-renewal monsters have none."""
    return min(level + strength, UNSIGNED_SHORT - 1) if renewal else 0


def attack_minimum(attack: int, renewal: int) -> int:
    """Lower end of the weapon attack roll."""
    return attack * 80 // 100 if renewal else attack


def attack_maximum(attack: int, attack2: int, renewal: int) -> int:
    """Upper end of the weapon attack roll; the server keeps 16 bits of it."""
    return attack * 120 // 100 % UNSIGNED_SHORT if renewal else attack2


def magic_attack_minimum(level: int, intelligence: int, attack2: int, renewal: int) -> int:
    """Lower end of the magic attack roll; the server keeps 16 bits of it."""
    if renewal:
        return (intelligence + level + attack2 * 70 // 100) % UNSIGNED_SHORT
    return (intelligence + (intelligence // 7) * (intelligence // 7)) % UNSIGNED_SHORT


def magic_attack_maximum(level: int, intelligence: int, attack2: int, renewal: int) -> int:
    """Upper end of the magic attack roll; the server keeps 16 bits of it."""
    if renewal:
        return (intelligence + level + attack2 * 130 // 100) % UNSIGNED_SHORT
    return (intelligence + (intelligence // 5) * (intelligence // 5)) % UNSIGNED_SHORT


def hit(level: int, dexterity: int, renewal: int) -> int:
    """Chance to hit, in points against the target's flee."""
    return min(max(level + dexterity + (150 if renewal else 0), 1), MAX_SHORT)


def flee(level: int, agility: int, renewal: int) -> int:
    """Chance to dodge, in points against the attacker's hit."""
    return min(max(level + agility + (100 if renewal else 0), 1), MAX_SHORT)


def soft_defense(level: int, vitality: int, renewal: int) -> int:
    """What is taken off a hit after the hard defence."""
    return min((level + vitality) // 2 if renewal else vitality, MAX_SHORT)


def soft_magic_defense(level: int, intelligence: int, vitality: int, renewal: int) -> int:
    """What is taken off magic damage after the hard magic defence."""
    return min((intelligence + level) // 4 if renewal else intelligence + vitality // 2, MAX_SHORT)
