"""A sequence becomes a movie: `plan` says as a pure value what every frame shows, `render` has ffmpeg make it.

program    the plan: spans of layers, pieces of sound
planning   sequence -> plan
windows    plan -> stretches small enough for one ffmpeg
picture, sound   stretch -> filter graph
running    runs the graphs into one encoder, with progress and cancel
"""

from genlock.media.render.planning import plan
from genlock.media.render.program import RenderPlan, RenderResult
from genlock.media.render.running import render

__all__ = ["RenderPlan", "RenderResult", "plan", "render"]
