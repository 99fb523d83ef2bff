"""What can be wrong with an air-gapped install.

AirgapError
├── UnfitSite      nobody but this machine reaches SITE_URL
├── UnfitBundle    the operator's CA bundle is missing, or holds no authority that can be used
└── NotMigrated    the database does not have the schema of this release
"""

from seatrial.control.errors import ControlError


class AirgapError(ControlError):
    """A setting of an air-gapped install is wrong; the message names it and the fix."""

    code = "airgap_error"


class UnfitSite(AirgapError):
    """A code host that sends webhooks to SITE_URL would ask itself."""

    code = "unfit_site"


class UnfitBundle(AirgapError):
    """With this CA bundle, no handshake with the code host can succeed."""

    code = "unfit_bundle"


class NotMigrated(AirgapError):
    """The database could not be asked, or changed; the message says why."""

    code = "not_migrated"
