"""Labels on everything that the agent creates. `galley.managed=true` is the documented filter for manual clean-up."""

MANAGED = "galley.managed"
AGENT = "galley.agent"
WORKSPACE = "galley.workspace"
ENVIRONMENT = "galley.environment"
DEPLOYMENT = "galley.deployment"
SERVICE = "galley.service"
KIND = "galley.kind"
FINGERPRINT = (
    "galley.fingerprint"  # hash of the recipe's facts: distinguishes an unchanged service from a changed one
)
MADE_FOR = "galley.made-for"  # the deployment that made a container which outlives deployments
COMMAND = "galley.command"  # on containers that run a command of a service, such as its seed, and end
MARK = "galley.mark"  # on empty volumes, which say something of the data of an environment
GENERATION = "galley.generation"  # on such a volume: which data of the environment this is
SNAPSHOT = "galley.snapshot"  # on the volumes of a snapshot, which is where the environment is on others
VOLUME = "galley.volume"  # on such a volume: the name that recipes know it by
CACHE = "galley.cache"  # on images that any preview or evaluation may use, and that are kept for the next
WARNINGS = "galley.warnings"  # on images that were built: what people should know of them, one line each
# On images that were built: which of their base images are stand-ins, a sentence for people on each line. Nothing else
# says that of such an image: its warnings are for people only.
STAND_INS = "galley.stand-ins"
UNFINISHED = "galley.unfinished"  # on images of builds that have not ended, or never will
LAYERS = (
    "galley.layers"  # on built images: the project whose further builds need not write their layers again
)
MADE_OF = "galley.made-of"  # on built images: a hash of the files, arguments and base images
EGRESS = "galley.egress"  # on networks: where their containers may connect to, as `vocabulary.egress` has the words
