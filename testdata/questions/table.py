"""All scenarios of the questions, in order."""
import closing  # noqa: F401
import patterns  # noqa: F401
import again  # noqa: F401
import failing  # noqa: F401
import speaking  # noqa: F401
import servers  # noqa: F401
from tools import NAMES  # noqa: F401
