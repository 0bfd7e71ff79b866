"""Feature extractors; each works as a `features_extractor_class` of Stable-Baselines3."""

from policies.extractors.entities import EntityExtractor
from policies.extractors.grid import GridExtractor
from policies.extractors.joint import JointExtractor
from policies.extractors.latent import LatentExtractor
from policies.extractors.skills import SkillExtractor
from policies.extractors.state import StateExtractor
from policies.extractors.vision import VisionExtractor

__all__ = [
    "EntityExtractor", "GridExtractor", "JointExtractor", "LatentExtractor", "SkillExtractor", "StateExtractor",
    "VisionExtractor",
]  # fmt: skip
