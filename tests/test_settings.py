"""What the environment may say: told at the start of a command, not after its work."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from orchestration.settings import EXAMPLE_MARK, Settings


@pytest.mark.parametrize("url", ["https://ilk.go.id", "http://intranet:8080/ilk/"])
def test_an_address_of_the_pages_is_taken(tmp_path: Path, url: str):
    assert Settings(data_dir=tmp_path, site_url=url).site_url == url


@pytest.mark.parametrize(
    "url", ["https://", "ilk.go.id", "https://a b/c", "https://x.id/?q=1", "https://x.id/#a"]
)
def test_what_no_page_can_lie_below_is_no_address(tmp_path: Path, url: str):
    with pytest.raises(ValidationError, match="https://host/folder"):
        Settings(data_dir=tmp_path, site_url=url)


def test_what_is_refused_tells_no_secret(tmp_path: Path):
    (tmp_path / EXAMPLE_MARK).touch()
    url = "postgresql://u:kata-sandi@h/d"
    with pytest.raises(ValidationError, match="is the example's") as raised:
        Settings(data_dir=tmp_path, landing_url=str(tmp_path / "other"), postgres_url=url)
    assert "kata-sandi" not in str(raised.value)


def test_outlines_that_are_not_there_are_told_before_a_run(tmp_path: Path):
    with pytest.raises(ValidationError, match=r"there is no file .*regions\.geojson"):
        Settings(data_dir=tmp_path, regions_geojson=tmp_path / "regions.geojson")


@pytest.mark.parametrize("limit", ["800MB", "3GB", "2 GiB"])
def test_a_limit_of_memory_is_a_size(tmp_path: Path, limit: str):
    assert Settings(data_dir=tmp_path, memory_limit=limit).memory_limit == limit


@pytest.mark.parametrize("limit", ["3", "0GB", "80%", "three GB"])
def test_a_limit_of_memory_that_is_no_size_is_told_before_a_run(tmp_path: Path, limit: str):
    with pytest.raises(ValidationError, match="write it as 3GB, 800MB"):
        Settings(data_dir=tmp_path, memory_limit=limit)


@pytest.mark.parametrize(
    "master", ["local", "local[2]", "local[*,4]", "spark://a:7077,b:7077", "k8s://https://h:6443"]
)
def test_a_master_of_spark_is_taken(tmp_path: Path, master: str):
    said = Settings(data_dir=tmp_path, spark_master=master, shards=2, shard_dir=tmp_path)
    assert said.spark_master == master


def test_spark_without_shards_or_without_a_shared_folder_is_told_before_a_run(tmp_path: Path):
    Settings(data_dir=tmp_path, spark_master="local[2]", shards=1)
    with pytest.raises(ValidationError, match=r"ILK_SHARDS: .* set it too"):
        Settings(data_dir=tmp_path, spark_master="local[2]")
    with pytest.raises(ValidationError, match=r"ILK_SHARD_DIR: .* all machines see"):
        Settings(data_dir=tmp_path, spark_master="spark://a:7077", shards=2)


@pytest.mark.parametrize(
    "master", ["local[0]", "yarn", "spark://a", "spark://u:p@a:7077", "local[2] --x", "k8s://h'"]
)
def test_what_spark_has_no_master_by_is_told_before_a_run(tmp_path: Path, master: str):
    with pytest.raises(ValidationError, match=r"write it as local\[2\], spark://host:7077"):
        Settings(data_dir=tmp_path, spark_master=master)
