"""Pages of people. Not allauth's whole list: signing up, mail addresses and mailed passwords are open to strangers, and not for here."""

from allauth.account import views as account
from django.urls import path

from seatrial.control.accounts import pages

urlpatterns = [
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
    path("audit", pages.audit_log, name="audit_log"),
]
