"""Addresses of the account pages.

allauth's other pages (sign-up, mail addresses, passwords by mail) are left out, because strangers could use them. Some of its
names lead to our page Security, which shows what its own pages would.
"""

from allauth.account import views as account
from allauth.mfa.base import views as second_factor
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkeys
from django.urls import path

from seatrial.control.accounts import member_pages
from seatrial.control.accounts.admission import pages as admission
from seatrial.control.accounts.providers.pages import addresses
from seatrial.control.accounts.second_factor import pages
from seatrial.control.accounts.sign_in_pages import SignIn, change_password
from seatrial.control.accounts.token_pages import revoke_token, tokens_page

ALLAUTHS_NAMES = ("mfa_index", "mfa_list_webauthn", "socialaccount_connections")

urlpatterns = [
    path("accounts/login/", SignIn.as_view(), name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/password/change/", change_password, name="account_change_password"),
    path("accounts/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("accounts/security/", pages.security, name="security"),
    *(path("accounts/security/", pages.security, name=name) for name in ALLAUTHS_NAMES),
    path("accounts/security/unlink/<int:key>/", pages.unlink, name="unlink"),
    path("accounts/2fa/authenticate/", second_factor.authenticate, name="mfa_authenticate"),
    path("accounts/2fa/reauthenticate/", second_factor.reauthenticate, name="mfa_reauthenticate"),
    path("accounts/2fa/totp/activate/", app.activate_totp, name="mfa_activate_totp"),
    path("accounts/2fa/totp/deactivate/", app.deactivate_totp, name="mfa_deactivate_totp"),
    path("accounts/2fa/recovery-codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "accounts/2fa/recovery-codes/generate/",
        codes.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "accounts/2fa/recovery-codes/download/",
        codes.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path("accounts/2fa/webauthn/add/", passkeys.add_webauthn, name="mfa_add_webauthn"),
    path("accounts/2fa/webauthn/login/", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path(
        "accounts/2fa/webauthn/reauthenticate/",
        passkeys.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path("accounts/2fa/webauthn/keys/<int:pk>/remove/", passkeys.remove_webauthn, name="mfa_remove_webauthn"),
    path("accounts/2fa/webauthn/keys/<int:pk>/edit/", passkeys.edit_webauthn, name="mfa_edit_webauthn"),
    *addresses(),
    # Not below accounts/, which is open to people who still lack a second factor
    path("tokens", tokens_page, name="tokens"),
    path("tokens/<str:key>/revoke", revoke_token, name="revoke_token"),
    path("people", admission.people, name="people"),
    path("people/invitations/<str:key>/revoke", admission.revoke, name="revoke_invitation"),
    path("people/<str:slug>/role", member_pages.change_role, name="member_role"),
    path("people/<str:slug>/remove", member_pages.remove, name="member_remove"),
    path("memberships", member_pages.memberships, name="memberships"),
    path("memberships/<str:slug>/leave", member_pages.leave, name="leave_workspace"),
    path("invitations/<str:key>/accept", member_pages.accept, name="accept_invitation"),
    path("invitations/<str:key>/decline", member_pages.decline, name="decline_invitation"),
]
