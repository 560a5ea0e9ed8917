"""Pages of rows."""

from rest_framework.pagination import PageNumberPagination


class PageNumber(PageNumberPagination):
    """`?page=2&page_size=50`; 50 rows unless told, at most 500."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
