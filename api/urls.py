"""Addresses of the REST face."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
