#!/bin/sh
# Once, when the database is made: the roles and databases of docs/operations.md (PostgreSQL).
set -eu
psql --set ON_ERROR_STOP=1 --username postgres \
	--set publisher="$ILK_PUBLISHER_PASSWORD" --set dagster="$DAGSTER_PASSWORD" <<'SQL'
create role ilk_reader nologin;
create role ilk_publisher login password :'publisher';
create database ilk owner ilk_publisher encoding 'UTF8' template template0;
alter database ilk set search_path = ilk;
create role dagster login password :'dagster';
create database dagster owner dagster encoding 'UTF8' template template0;
SQL
