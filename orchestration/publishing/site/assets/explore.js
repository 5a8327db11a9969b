// Search, sorting, exploring: pages can be read without it.
