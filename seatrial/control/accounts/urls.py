"""Addresses of the account pages.

allauth's other pages (sign-up, mail addresses, passwords by mail) are left out, because strangers could use them.
"""

from allauth.account import views as account
from django.urls import path

urlpatterns = [
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
]
